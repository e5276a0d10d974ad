// node scripts/with-setup.mjs [--servers] TARGET [ARGS...]
// Makes a fresh clone ready, then runs TARGET on the project's own Node. Written for the system's Node, 20 or newer, and without any package.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { installPackages, packagesAreInstalled } from './packages.mjs'
import { node24, root } from './paths.mjs'
import { runToTheEnd } from './run.mjs'

const words = process.argv.slice(2)
const needsServers = words[0] === '--servers'
const [target = '', ...args] = needsServers ? words.slice(1) : words

/** A failure that the user can do something about: one line, no stack trace. */
function giveUp(/** @type {unknown} */ error) {
  process.stderr.write(`tidemark: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}

try {
  if (!packagesAreInstalled()) await installPackages()
  if (needsServers) {
    // Imported only here: the command line's own start should not wait for what it does not use.
    const { prepareServers } = await import('./servers.mjs')
    await prepareServers()
  }
  const file = join(root, target)
  if (!existsSync(file)) throw new Error(`there is no ${target} in this checkout`)
  await runToTheEnd(node24, [file, ...args])
} catch (error) {
  giveUp(error)
}
