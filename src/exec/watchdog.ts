import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'

/**
 * Reads the process groups that there are, `-PID -PID …` a line, and when the input ends, which the operating system sees to
 * however its writer ends, gives them some seconds to end by themselves and kills what is left.
 */
const SCRIPT = 'while read -r line; do groups=$line; done; [ -z "$groups" ] || { sleep "$1"; kill -s KILL -- $groups; }'

/** A small process beside ours that lets no process group outlive us, even if we are killed with -9. One for all, so that we are the parent who reaps it. */
export class Watchdog {
  readonly #groups = new Set<number>()
  readonly #graceSeconds: number
  #process: ChildProcess | undefined

  /** `graceSeconds`: how long they have to end by themselves once we are gone. */
  constructor(graceSeconds = 5) {
    this.#graceSeconds = graceSeconds
  }

  /** From now on the group ends with us. */
  watch(pid: number): void {
    this.#groups.add(pid)
    this.#process ??= startProcess(this.#graceSeconds)
    this.#tell()
  }

  /** The group has ended: its number may soon be another's. */
  forget(pid: number): void {
    this.#groups.delete(pid)
    this.#tell()
  }

  close(): void {
    this.#process?.stdin?.end()
  }

  #tell(): void {
    this.#process?.stdin?.write(`${[...this.#groups].map((pid) => -pid).join(' ')}\n`)
  }
}

/** In a group of its own, or a Ctrl-C in the terminal would end it too. */
function startProcess(graceSeconds: number): ChildProcess {
  const watchdog: ChildProcess = spawn('/bin/sh', ['-c', SCRIPT, 'tidemark-watchdog', String(graceSeconds)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  // Without it the groups still see the end of their own standard input.
  watchdog.on('error', () => {})
  watchdog.stdin?.on('error', () => {})
  watchdog.unref()
  return watchdog
}
