import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { node24, root } from './paths.mjs'

/** The checks that read the sources and run nothing. */
export const staticChecks = /** @type {const} */ ([
  ['types', 'typescript/bin/tsc'],
  ['lint', 'oxlint/bin/oxlint', '--type-aware', '--deny-warnings'],
  ['format', 'oxfmt/bin/oxfmt', '--check'],
])

/**
 * Runs one step on the project's own Node and says whether it passed.
 * @param {string} name
 * @param {string[]} args
 */
export function passes(name, args) {
  process.stdout.write(`\n== ${name}\n`)
  const { status } = spawnSync(node24, args, { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.stdout.write(`== ${name} failed\n`)
  return status === 0
}

/** Runs all static checks, also after one failed, and says whether every one passed. */
export function staticChecksPass() {
  return staticChecks.map(([name, bin, ...args]) => passes(name, [join(root, 'node_modules', bin), ...args])).every(Boolean)
}
