import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { constants } from 'node:os'
import { TidemarkError } from '../errors.ts'
import { Watchdog } from './watchdog.ts'

/** How a program is run. */
export interface ProgramOptions {
  /** What its environment has besides ours. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Where its standard output goes. Default: where ours goes. */
  readonly stdout?: 'inherit' | 'stderr' | undefined
}

/**
 * Runs programs of the user's, one at a time, each in a process group of its own: signals reach all of it, and our death ends all of it, even
 * kill -9, since nobody would save what it does.
 */
export class Programs implements Disposable {
  readonly #watchdog = new Watchdog(0)
  #running: ChildProcess | undefined

  /**
   * Runs a program to its end. Resolves with its exit code; 128 and the signal's number where a signal ended it, as a shell says it.
   * @throws TidemarkError HANDLER_INVALID where it can't be started
   */
  run(words: readonly string[], { env = {}, stdout = 'inherit' }: ProgramOptions = {}): Promise<number> {
    const [file = '', ...args] = words
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const child = spawn(file, args, {
      detached: true,
      env: { ...process.env, ...env },
      stdio: ['inherit', stdout === 'inherit' ? 'inherit' : 2, 'inherit'],
    })
    this.#running = child
    if (child.pid !== undefined) this.#watchdog.watch(child.pid)
    child.on('error', (error) => reject(notStarted(file, error)))
    child.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal as NodeJS.Signals]))
    return promise.finally(() => {
      this.#running = undefined
      if (child.pid !== undefined) this.#watchdog.forget(child.pid)
    })
  }

  /** Sends a signal to the whole group of the program that runs, if one does. */
  kill(signal: NodeJS.Signals): void {
    if (this.#running?.pid === undefined) return
    try {
      process.kill(-this.#running.pid, signal)
    } catch {
      // Nobody is left in it.
    }
  }

  [Symbol.dispose](): void {
    this.#watchdog.close()
  }
}

function notStarted(file: string, { code, message }: NodeJS.ErrnoException): TidemarkError {
  const why = code === 'ENOENT' ? 'it is not to be found' : code === 'E2BIG' ? 'its arguments and environment are too long' : message
  return new TidemarkError('HANDLER_INVALID', `the command ${JSON.stringify(file)} can't be started: ${why}`, {
    hint: 'It is run without a shell: write sh -c "…" for a line of one',
  })
}
