/**
 * V8 doubles its space for young objects whenever as much as fits into it has survived since it did so last, up to 2 x 32 MB, and first looks through its old
 * objects when there are more than twice as many as a job ever needs. Both make memory grow for as long as a job runs at full speed; neither makes it faster.
 * Measured: docs/bench.md.
 */
const SMALL_HEAP = ['--max-semi-space-size=4', '--initial-old-space-size=8']

/**
 * Lets a job's memory be the same after a minute as after a day: V8 takes these settings at its start only, so the process begins once more, as itself, before
 * it has done anything (40 ms). Not where somebody chose that size, and not where Node can't: on Windows, for a child with a channel to its parent, which
 * would not get through, and under Node's permissions without --allow-child-process.
 */
export function restartWithSmallHeap(): void {
  const { execPath, execArgv, argv, env, permission } = process
  const isChosen = [...execArgv, env.NODE_OPTIONS].some((words) => /max[-_]semi[-_]space[-_]size/.test(words ?? ''))
  if (isChosen || process.channel !== undefined || permission !== undefined) return
  process.execve?.(execPath, [execPath, ...SMALL_HEAP, ...execArgv, ...argv.slice(1)], env)
}
