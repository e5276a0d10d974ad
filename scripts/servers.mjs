// What the commands that start real servers need besides the packages: Java, and Maven for as long as the jars are not there.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { classArchive, fetchJars, missingJars } from './jars.mjs'
import { alone } from './lock.mjs'
import { cache, node24, root } from './paths.mjs'
import { requireTools } from './tools.mjs'

/** Installs or asks for what is missing, and fetches the servers' jars. */
export async function prepareServers() {
  const missing = missingJars()
  await requireTools('java', ...(missing.length > 0 ? /** @type {const} */ (['mvn']) : []))
  for (const kind of missing) await fetchJars(kind)
  if (!isWarm()) await alone(join(cache, 'warm.lock'), warm)
}

/** Whether the class archives are there. */
function isWarm() {
  return existsSync(classArchive('kafka')) && existsSync(classArchive('zookeeper'))
}

function warm() {
  if (isWarm()) return
  process.stderr.write('tidemark: starting each server once, so that later starts are quick\n')
  // Should it fail, the command's own start of a server will say why.
  spawnSync(node24, [join(root, 'lab/warm.ts')], { stdio: ['ignore', 2, 2] })
}
