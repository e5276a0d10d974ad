// Programs of the system that the tests' servers need. As root on Debian or Ubuntu what is missing is installed; elsewhere one line says what to install.
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { alone } from './lock.mjs'
import { cache } from './paths.mjs'

/** @typedef {"java" | "javac" | "mvn" | "pip" | "openssl" | "zsh" | "fish"} Tool */

/** apt-get runs once at a time. */
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
  zsh: { needed: 'zsh', isThere: () => succeeds('zsh', '--version'), debian: ['zsh'] },
  fish: { needed: 'fish', isThere: () => succeeds('fish', '--version'), debian: ['fish'] },
  pip: { needed: 'Python 3 with pip', isThere: () => succeeds('python3', '-m', 'pip', '--version'), debian: ['python3-pip'] },
}

/**
 * Installs or asks for programs that are not there: all of them at once, so that nobody is told of one after the other.
 * @param {Tool[]} wanted
 */
export async function requireTools(...wanted) {
  const missing = missingOf(wanted)
  if (missing.length === 0) return
  if (!mayInstall()) throw new Error(`this command starts real servers and needs ${whatToInstall(missing)}`)
  await alone(lock, () => install(missingOf(wanted)))
}

/**
 * Unpacks a package of Debian's into a folder: of the system only apt-get's lists change, and no service is started.
 * @param {string} name
 * @param {string} needed what the package is, for people
 * @param {string} folder
 */
export async function unpackPackage(name, needed, folder) {
  if (!mayInstall()) throw new Error(`this command starts real servers and needs ${needed}: install ${name} (Debian's and Ubuntu's name)`)
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

/** @param {Tool[]} wanted */
function missingOf(wanted) {
  return wanted.filter((tool) => !tools[tool].isThere())
}

/** @param {Tool[]} missing */
function whatToInstall(missing) {
  const needed = missing.map((tool) => tools[tool].needed).join(', ')
  const packages = missing.map((tool) => tools[tool].debian.join(' or ')).join(', ')
  return `${needed}: install ${packages} (Debian's and Ubuntu's names)`
}

/** @param {Tool[]} missing */
function install(missing) {
  if (missing.length > 0) aptGet(['update'])
  missing.forEach(installOne)
}

/** @param {Tool} tool */
function installOne(tool) {
  const { needed, isThere, debian } = tools[tool]
  if (!debian.some((name) => aptGet(['install', '-y', '--no-install-recommends', name])))
    throw new Error(`apt-get could not install ${debian[0]}; what it says is above`)
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
export function succeeds(program, ...words) {
  return spawnSync(program, words, { stdio: 'ignore' }).status === 0
}

/** TIDEMARK_SETUP_INSTALLS=no leaves the system's packages alone, also where root runs this. */
function mayInstall() {
  return process.env['TIDEMARK_SETUP_INSTALLS'] !== 'no' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')
}

/**
 * @param {string[]} words
 * @param {string} [cwd] where it downloads to
 */
function aptGet(words, cwd) {
  process.stderr.write(`tidemark: apt-get ${words.join(' ')}\n`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  // On stderr is what goes wrong, dpkg's word too; on stdout there are hundreds of lines of what does not. Another checkout's apt-get is waited for.
  const options = ['-qq', '-o', 'Dpkg::Use-Pty=0', '-o', 'DPkg::Lock::Timeout=600']
  return spawnSync('apt-get', [...options, ...words], { cwd, env, stdio: ['ignore', 'ignore', 2] }).status === 0
}
