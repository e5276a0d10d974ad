// The other versions of Node that the published package runs on, fetched once as npm packages.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { downloadFolder, fetchOnce } from './downloads.mjs'

/**
 * The program of one version of Node.
 * @param {string} version such as 26.10.0
 */
export async function fetchNode(version) {
  const folder = downloadFolder(`node-${version}`)
  await fetchOnce(folder, (part) => {
    writeFileSync(join(part, 'package.json'), '{ "private": true }\n')
    const words = ['install', '--no-save', '--prefer-offline', '--no-progress', '--loglevel=error', `${packageName()}@${version}`]
    execFileSync('npm', words, { cwd: part, stdio: ['ignore', 2, 2] })
  })
  return join(folder, 'node_modules', packageName(), 'bin/node')
}

function packageName() {
  // What the `node` package itself picks.
  const prefix = process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin' : 'node'
  return `${prefix}-${process.platform}-${process.arch}`
}
