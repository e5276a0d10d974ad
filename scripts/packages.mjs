import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { alone } from './lock.mjs'
import { cache, node24, root } from './paths.mjs'

// Inside node_modules, so that whoever removes that folder removes the stamp too.
const stamp = join(root, 'node_modules/.tidemark-lock')

/** Whether what package-lock.json names is installed, whole. */
export function packagesAreInstalled() {
  return existsSync(node24) && readStamp() === lockHash()
}

/** Installs the packages, unless another process has done so while this one waited for its turn. */
export async function installPackages() {
  await alone(join(cache, 'packages.lock'), () => {
    if (packagesAreInstalled()) return
    if (!(existsSync(node24) && npmInstalledTheSame())) installCleanly()
    writeFileSync(stamp, lockHash())
  })
}

/**
 * What `npm ci` does, but that it refuses a lock file without the optional packages of other platforms, which not every registry has in every version; `npm install`
 * passes over those. The lock names versions and hashes, so nothing is gained by asking the registry for what npm has in its cache.
 */
function installCleanly() {
  process.stderr.write('tidemark: installing the packages of package-lock.json\n')
  rmSync(join(root, 'node_modules'), { recursive: true, force: true })
  const words = ['install', '--no-save', '--prefer-offline', '--loglevel=error', '--no-progress']
  const { status, error } = spawnSync('npm', words, { cwd: root, env: systemEnvironment(), stdio: ['ignore', 2, 2] })
  if (error !== undefined || status !== 0) throw new Error('npm install failed; what it says is above')
}

/** `npm run` puts node_modules/.bin first in the path, whose `node` goes away meanwhile. */
function systemEnvironment() {
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.startsWith(join(root, 'node_modules')))
  return { ...process.env, PATH: path.join(delimiter) }
}

/** Somebody may have run `npm install` by hand: npm's own record of what is installed then names the same versions. */
function npmInstalledTheSame() {
  const wanted = packageVersions('package-lock.json')
  const installed = packageVersions('node_modules/.package-lock.json')
  return wanted.every(([path, version, optional]) => optional || installed.some((other) => other[0] === path && other[1] === version))
}

/**
 * @param {string} file
 * @returns {[path: string, version: string, optional: boolean][]}
 */
function packageVersions(file) {
  if (!existsSync(join(root, file))) return []
  const packages = Object.entries(JSON.parse(readFileSync(join(root, file), 'utf8')).packages)
  return packages
    .filter(([path]) => path !== '')
    .map(([path, entry]) => [path, entry.version, entry.optional === true || entry.peer === true])
}

function readStamp() {
  return existsSync(stamp) ? readFileSync(stamp, 'utf8') : ''
}

function lockHash() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
}
