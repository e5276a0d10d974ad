// What the commands that start real servers need besides the packages: Java, and Maven for as long as the jars are not there.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fetchJars, missingJars } from './jars.mjs'
import { alone } from './lock.mjs'

const debianPackages = { java: 'openjdk-17-jre-headless', mvn: 'maven' }

/** Installs or asks for what is missing, and fetches the servers' jars. */
export async function prepareServers() {
  requireTool('java', hasJava)
  if (missingJars().length === 0) return
  await alone(() => {
    if (missingJars().length > 0) requireTool('mvn', hasMaven)
    for (const kind of missingJars()) {
      process.stderr.write(`tidemark: fetching the jars of ${kind} from Maven Central\n`)
      fetchJars(kind)
    }
  })
}

/**
 * @param {'java' | 'mvn'} tool
 * @param {() => boolean} isThere
 */
function requireTool(tool, isThere) {
  if (isThere()) return
  const debian = debianPackages[tool]
  if (!mayInstall())
    throw new Error(
      `this command starts real servers and needs ${tool === 'java' ? 'Java 17 or newer' : 'Maven'}: install ${debian} (its name on Debian and Ubuntu)`,
    )
  process.stderr.write(`tidemark: installing ${debian}\n`)
  aptGet('update')
  aptGet('install', '-y', '--no-install-recommends', debian)
  if (!isThere()) throw new Error(`${debian} is installed, and yet ${tool} is missing or too old: look at which one comes first in PATH`)
}

function hasJava() {
  const { error, stderr } = spawnSync('java', ['-version'], { encoding: 'utf8' })
  const version = /version "(\d+)/.exec(stderr ?? '')
  return error === undefined && Number(version?.[1] ?? 0) >= 17
}

function hasMaven() {
  return spawnSync('mvn', ['-version'], { stdio: 'ignore' }).status === 0
}

function mayInstall() {
  return process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')
}

/** @param {string[]} words */
function aptGet(...words) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const { status } = spawnSync('apt-get', ['-qq', ...words], { env, stdio: ['ignore', 2, 2] })
  if (status !== 0) throw new Error(`apt-get ${words.join(' ')} failed; what it says is above`)
}
