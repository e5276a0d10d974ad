// What the commands that start real servers need besides the packages: Java, and Maven for as long as the jars are not there.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { classArchive, fetchJars, missingJars } from './jars.mjs'
import { alone } from './lock.mjs'
import { node24, root } from './paths.mjs'
import { requireTool } from './tools.mjs'

/** Installs or asks for what is missing, and fetches the servers' jars. */
export async function prepareServers() {
  requireTool('java')
  if (missingJars().length > 0) requireTool('mvn')
  if (!isWarm()) await alone(fetchAndWarm)
}

/** Whether everything is there, the class archives too. */
function isWarm() {
  return missingJars().length === 0 && existsSync(classArchive('kafka')) && existsSync(classArchive('zookeeper'))
}

function fetchAndWarm() {
  for (const kind of missingJars()) {
    process.stderr.write(`tidemark: fetching the jars of ${kind} from Maven Central\n`)
    fetchJars(kind)
  }
  if (isWarm()) return
  process.stderr.write('tidemark: starting each server once, so that later starts are quick\n')
  // Should it fail, the command's own start of a server will say why.
  spawnSync(node24, [join(root, 'lab/warm.ts')], { stdio: ['ignore', 2, 2] })
}
