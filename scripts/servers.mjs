// What the commands that start real servers need besides the packages: Java, and Maven for as long as the jars are not there.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { classArchive, fetchJars, missingJars } from './jars.mjs'
import { alone } from './lock.mjs'
import { node24, root } from './paths.mjs'

// The first that this release of Debian or Ubuntu has is installed.
const debianPackages = { java: ['openjdk-17-jre-headless', 'default-jre-headless'], mvn: ['maven'] }

/** Installs or asks for what is missing, and fetches the servers' jars. */
export async function prepareServers() {
  requireTool('java', hasJava)
  if (missingJars().length > 0) requireTool('mvn', hasMaven)
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

/**
 * @param {'java' | 'mvn'} tool
 * @param {() => boolean} isThere
 */
function requireTool(tool, isThere) {
  if (isThere()) return
  const [first, ...others] = debianPackages[tool]
  const needed = tool === 'java' ? 'Java 17 or newer' : 'Maven'
  if (!mayInstall())
    throw new Error(`this command starts real servers and needs ${needed}: install ${first} (its name on Debian and Ubuntu)`)
  aptGet('update')
  const installed = [first, ...others].some((name) => aptGet('install', '-y', '--no-install-recommends', String(name)))
  if (!installed) throw new Error(`apt-get could not install ${first}; what it says is above`)
  if (!isThere()) throw new Error(`${needed} is installed, and yet ${tool} is missing or too old: look at which one comes first in PATH`)
}

function hasJava() {
  const { error, stderr } = spawnSync('java', ['-version'], { encoding: 'utf8' })
  const version = /version "(\d+)/.exec(stderr ?? '')
  return error === undefined && Number(version?.[1] ?? 0) >= 17
}

function hasMaven() {
  return spawnSync('mvn', ['-version'], { stdio: 'ignore' }).status === 0
}

/** TIDEMARK_SETUP_INSTALLS=no leaves the system's packages alone, also where root runs this. */
function mayInstall() {
  return process.env['TIDEMARK_SETUP_INSTALLS'] !== 'no' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')
}

/** @param {string[]} words */
function aptGet(...words) {
  process.stderr.write(`tidemark: apt-get ${words.join(' ')}\n`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  return spawnSync('apt-get', ['-qq', ...words], { env, stdio: ['ignore', 2, 2] }).status === 0
}
