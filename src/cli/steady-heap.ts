/**
 * V8 doubles its space for young objects whenever as much as fits into it has survived since it did so last, from 2 x 1 to 2 x 32 MB, and begins late to look through
 * the old ones: every program at full speed grows for half a minute. Here the young ones have 2 x 16 MB from the start, and the old ones are looked through early.
 * With less, a job that only looks at its records would still be as fast, but not one that makes objects of them. Measured: docs/bench.md.
 */
export const STEADY_HEAP = ['--min-semi-space-size=16', '--max-semi-space-size=16', '--initial-old-space-size=8']

/** A Node that does not know one of these does not start: none that was not tried. */
const NEWEST_TRIED = 26

/**
 * Lets a job take the same memory after a second as after a day. V8 takes these settings only at its start, so the process begins once more, as itself, before it
 * has done anything (some 40 ms). Not where somebody chose that size, and not where Node can't: on Windows, for a child with a channel to its parent, which
 * would be lost, and under Node's permissions.
 */
export function restartWithSteadyHeap(): void {
  const { execPath, execArgv, argv, env, permission, versions } = process
  const isChosen = [...execArgv, env.NODE_OPTIONS].some((words) => /semi[-_]space[-_]size/.test(words ?? ''))
  if (isChosen || process.channel !== undefined || permission !== undefined || Number.parseInt(versions.node) > NEWEST_TRIED) return
  process.execve?.(execPath, [execPath, ...STEADY_HEAP, ...execArgv, ...argv.slice(1)], env)
}
