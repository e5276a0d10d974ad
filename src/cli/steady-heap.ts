/**
 * V8 doubles its space for young objects whenever as much as fits into it has survived since it did so last, from 2 x 1 to 2 x 32 MB: every program at full speed
 * grows for some ten seconds. Here that space has half of that size from the start. A smaller one would hold a job that does nothing with its records, but slows down
 * those that make objects of them. Measured: docs/bench.md.
 */
export const STEADY_HEAP = ['--min-semi-space-size=16', '--max-semi-space-size=16']

/**
 * Lets a job take the same memory after a second as after a day. V8 takes these settings only at its start, so the process begins once more, as itself, before it
 * has done anything (some 40 ms). Not where somebody chose that size, and not where Node can't: on Windows, for a child with a channel to its parent, which
 * would be lost, and under Node's permissions.
 */
export function restartWithSteadyHeap(): void {
  const { execPath, execArgv, argv, env, permission } = process
  const isChosen = [...execArgv, env.NODE_OPTIONS].some((words) => /semi[-_]space[-_]size/.test(words ?? ''))
  if (isChosen || process.channel !== undefined || permission !== undefined) return
  process.execve?.(execPath, [execPath, ...STEADY_HEAP, ...execArgv, ...argv.slice(1)], env)
}
