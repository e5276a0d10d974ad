// Programs of the system that the tests' servers need. As root on Debian or Ubuntu what is missing is installed; elsewhere one line says what to install.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { alone } from './lock.mjs'
import { downloads } from './paths.mjs'

/** @typedef {"java" | "javac" | "mvn" | "pip" | "openssl"} Tool */

/**
 * `debian`: of these packages the first that this release has is installed.
 * @type {Record<Tool, { needed: string, isThere: () => boolean, debian: string[] }>}
 */
const tools = {
  java: {
    needed: 'Java 17 or newer',
    isThere: () => javaVersion('java') >= 17,
    debian: ['openjdk-17-jre-headless', 'default-jre-headless'],
  },
  javac: {
    needed: "Java 17's compiler or a newer one",
    isThere: () => javaVersion('javac') >= 17,
    debian: ['openjdk-17-jdk-headless', 'default-jdk-headless'],
  },
  mvn: { needed: 'Maven', isThere: () => succeeds('mvn', '-version'), debian: ['maven'] },
  openssl: { needed: 'OpenSSL', isThere: () => succeeds('openssl', 'version'), debian: ['openssl'] },
  pip: { needed: 'Python 3 with pip', isThere: () => succeeds('python3', '-m', 'pip', '--version'), debian: ['python3-pip'] },
}

/**
 * Installs or asks for programs that are not there.
 * @param {Tool[]} wanted
 */
export async function requireTools(...wanted) {
  const missing = wanted.filter((tool) => !tools[tool].isThere())
  // apt-get runs once at a time.
  if (missing.length > 0) await alone(join(downloads, 'tools.lock'), () => missing.forEach(install))
}

/** @param {Tool} tool */
function install(tool) {
  const { needed, isThere, debian } = tools[tool]
  if (isThere()) return
  const [first] = debian
  if (!mayInstall())
    throw new Error(`this command starts real servers and needs ${needed}: install ${first} (its name on Debian and Ubuntu)`)
  aptGet('update')
  if (!debian.some((name) => aptGet('install', '-y', '--no-install-recommends', name)))
    throw new Error(`apt-get could not install ${first}; what it says is above`)
  if (!isThere()) throw new Error(`${needed} is installed, and yet ${tool} is missing or too old: look at which one comes first in PATH`)
}

/** @param {'java' | 'javac'} program */
function javaVersion(program) {
  const { error, stdout, stderr } = spawnSync(program, ['-version'], { encoding: 'utf8' })
  const version = /(?:version "|javac )(\d+)/.exec(`${stdout ?? ''}${stderr ?? ''}`)
  return error === undefined ? Number(version?.[1] ?? 0) : 0
}

/**
 * @param {string} program
 * @param {string[]} words
 */
function succeeds(program, ...words) {
  return spawnSync(program, words, { stdio: 'ignore' }).status === 0
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
