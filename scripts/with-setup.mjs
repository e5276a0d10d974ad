// node scripts/with-setup.mjs [--servers | --servers-if-possible] TARGET [ARGS...]
// Makes a fresh clone ready, then runs TARGET on the project's own Node. Written for the system's Node, 20 or newer, and without any package.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { installPackages, packagesAreInstalled } from './packages.mjs'
import { node24, root } from './paths.mjs'
import { runToTheEnd } from './run.mjs'

// With --servers-if-possible TARGET is given --without-servers where they can't be had; who gives it that flag himself is not asked for Java.
const words = process.argv.slice(2)
const servers = ['--servers', '--servers-if-possible'].find((flag) => flag === words[0])
const [target = '', ...args] = servers === undefined ? words : words.slice(1)
const withoutServers = '--without-servers'

/** A failure that the user can do something about: one line, no stack trace. */
function giveUp(/** @type {unknown} */ error) {
  process.stderr.write(`tidemark: ${reasonOf(error)}\n`)
  process.exit(1)
}

function reasonOf(/** @type {unknown} */ error) {
  return error instanceof Error ? error.message : String(error)
}

try {
  if (!packagesAreInstalled()) await installPackages()
  if (servers !== undefined && !args.includes(withoutServers)) {
    // Imported only here: the command line's own start should not wait for what it does not use.
    const { prepareServers } = await import('./servers.mjs')
    await prepareServers().catch((/** @type {unknown} */ error) => {
      if (servers === '--servers') throw error
      process.stderr.write(`tidemark: going on without servers: ${reasonOf(error)}\n`)
      args.push(withoutServers)
    })
  }
  const file = join(root, target)
  if (!existsSync(file)) throw new Error(`there is no ${target} in this checkout`)
  await runToTheEnd(node24, [file, ...args])
} catch (error) {
  giveUp(error)
}
