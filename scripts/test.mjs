// npm test [-- FILES]: types, lint and format, then the tests in test/ or those named. Run by with-setup.mjs on the project's own Node.
import { join } from 'node:path'
import { prepareJarSets } from './jar-sets.mjs'
import { root } from './paths.mjs'
import { prepareServers } from './servers.mjs'
import { prepareSpark } from './spark.mjs'
import { passes, staticChecksPass } from './steps.mjs'
import { requireTools } from './tools.mjs'

const files = process.argv.slice(2)
// Two test files at a time: most of a file's time is spent waiting for a server. The time limit is for a test that hangs, in whatever it waits for.
const options = ['--test-reporter=spec', '--test-concurrency=2', '--test-timeout=300000']

await prepare().catch(giveUp)
const tidy = staticChecksPass()
const tested = passes('tests', ['--test', ...options, ...(files.length > 0 ? files : [join(root, 'test/**/*.test.ts')])])
if (!tidy) process.stderr.write('tidemark: types, lint or format failed; see above the tests\n')
process.exitCode = tidy && tested ? 0 : 1

/** What all tests need, before anything is fetched. Of files that are named, those that need more fetch it themselves. */
async function prepare() {
  if (files.length === 0) await requireTools('javac', 'mvn', 'pip', 'openssl', 'zsh', 'fish')
  await prepareServers()
  if (files.length > 0) return
  await prepareSpark()
  await prepareJarSets()
}

/** @param {Error} error */
function giveUp({ message }) {
  process.stderr.write(`tidemark: ${message}\n`)
  process.exit(1)
}
