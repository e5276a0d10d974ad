// The other versions of Node that the published package runs on, fetched once as npm packages.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cache } from './paths.mjs'

/**
 * The program of one version of Node.
 * @param {string} version such as 26.10.0
 */
export function fetchNode(version) {
  const folder = join(cache, `node-${version}`)
  if (!existsSync(folder)) install(version, folder)
  return join(folder, 'node_modules', packageName(), 'bin/node')
}

function packageName() {
  // What the `node` package itself picks.
  const prefix = process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node'
  return `${prefix}-${process.platform}-${process.arch}`
}

/**
 * @param {string} version
 * @param {string} folder
 */
function install(version, folder) {
  const part = `${folder}.${process.pid}.part`
  mkdirSync(part, { recursive: true })
  writeFileSync(join(part, 'package.json'), '{ "private": true }\n')
  try {
    const words = ['install', '--no-save', '--no-progress', '--loglevel=error', `${packageName()}@${version}`]
    execFileSync('npm', words, { cwd: part, stdio: ['ignore', 2, 2] })
    renameSync(part, folder)
  } catch (error) {
    // Another process may have been first.
    if (!existsSync(folder)) throw error
  } finally {
    rmSync(part, { recursive: true, force: true })
  }
}
