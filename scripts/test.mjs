// npm test [-- FILES]: types, lint and format, then the tests in test/ or those named. Run by with-setup.mjs on the project's own Node.
import { join } from 'node:path'
import { root } from './paths.mjs'
import { prepareSpark } from './spark.mjs'
import { passes, staticChecksPass } from './steps.mjs'
import { requireTools } from './tools.mjs'

const files = process.argv.slice(2)
// Two test files at a time: most of a file's time is spent waiting for a server. The time limit is for a test that hangs, in whatever it waits for.
const options = ['--test-reporter=spec', '--test-concurrency=2', '--test-timeout=300000']

const tidy = staticChecksPass()
// Of files that are named, those that need Spark fetch it themselves.
if (files.length === 0) await prepare().catch(giveUp)
const tested = passes('tests', ['--test', ...options, ...(files.length > 0 ? files : [join(root, 'test/**/*.test.ts')])])
if (!tidy) process.stderr.write('tidemark: types, lint or format failed; see above the tests\n')
process.exitCode = tidy && tested ? 0 : 1

async function prepare() {
  await requireTools('openssl')
  await prepareSpark()
}

/** @param {Error} error */
function giveUp({ message }) {
  process.stderr.write(`tidemark: ${message}\n`)
  process.exit(1)
}
