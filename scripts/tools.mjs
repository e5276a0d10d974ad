// Programs of the system that the tests' servers need. As root on Debian or Ubuntu what is missing is installed; elsewhere one line says what to install.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { alone } from './lock.mjs'
import { cache } from './paths.mjs'

/** @typedef {"java" | "javac" | "mvn" | "pip" | "openssl"} Tool */

// apt-get runs once at a time.
const lock = join(cache, 'tools.lock')

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
  if (missing.length > 0) await alone(lock, () => missing.forEach(install))
}

/**
 * Unpacks a package of Debian's into a folder: of the system only apt-get's lists change, and no service is started.
 * @param {string} name
 * @param {string} needed what the package is, for people
 * @param {string} folder
 */
export async function unpackPackage(name, needed, folder) {
  requireAptGet(needed, name)
  const file = join(folder, 'package')
  mkdirSync(file)
  await alone(lock, () => {
    aptGet(['update'])
    // Another user than root, as which apt-get downloads, may not write here.
    if (!aptGet(['download', '-o', 'APT::Sandbox::User=root', name], file))
      throw new Error(`apt-get could not download ${name}; what it says is above`)
  })
  execFileSync('dpkg', ['-x', join(file, readdirSync(file)[0] ?? ''), folder], { stdio: ['ignore', 2, 2] })
  rmSync(file, { recursive: true })
}

/** @param {Tool} tool */
function install(tool) {
  const { needed, isThere, debian } = tools[tool]
  if (isThere()) return
  const [first = ''] = debian
  requireAptGet(needed, first)
  aptGet(['update'])
  if (!debian.some((name) => aptGet(['install', '-y', '--no-install-recommends', name])))
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
 * Whether a program is there and ends well.
 * @param {string} program
 * @param {string[]} words
 */
export function succeeds(program, ...words) {
  return spawnSync(program, words, { stdio: 'ignore' }).status === 0
}

/**
 * TIDEMARK_SETUP_INSTALLS=no leaves the system's packages alone, also where root runs this.
 * @param {string} needed
 * @param {string} name
 */
function requireAptGet(needed, name) {
  if (process.env['TIDEMARK_SETUP_INSTALLS'] !== 'no' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) return
  throw new Error(`this command starts real servers and needs ${needed}: install ${name} (its name on Debian and Ubuntu)`)
}

/**
 * @param {string[]} words
 * @param {string} [cwd] where it downloads to
 */
function aptGet(words, cwd) {
  process.stderr.write(`tidemark: apt-get ${words.join(' ')}\n`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  return spawnSync('apt-get', ['-qq', ...words], { cwd, env, stdio: ['ignore', 2, 2] }).status === 0
}
