import { TidemarkError } from '../errors.ts'
import type { HandlerBatch } from '../job/handling.ts'
import { findCommand } from './command.ts'
import { divide } from './division.ts'
import { Watchdog } from './watchdog.ts'
import { Worker } from './worker.ts'

/** A command as a handler; docs/exec.md describes what its processes read and write. */
export interface ExecOptions {
  /** Run by `/bin/sh -c` in the working directory: `python3 handler.py`. */
  readonly command: string
  /** How many processes share a batch. A partition always goes to the same one. Default 1. */
  readonly processes?: number | undefined
  /** A process that has not acknowledged its part of a batch by then is killed, and the batch has failed. ms, default 300,000. */
  readonly timeoutMs?: number | undefined
  /** Takes each line of the processes' standard error, `exec N: ` before it. Default: our own standard error. */
  readonly onLine?: ((line: string) => void) | undefined
}

/** A handler that other processes do the work of. */
export interface ExecHandler extends AsyncDisposable {
  /** Resolves when every process has acknowledged its part; throws, for `run` to try again, where one failed, ended, was late or broke the protocol. */
  readonly handler: (batch: HandlerBatch) => Promise<void>
  /** For `run`: longer than the processes' own limit, which is the one that counts, since a killed process can be tried again. ms. */
  readonly handlerTimeoutMs: number
  /** For `run`: several processes share the partitions of a batch. */
  readonly overlap: boolean
  /** Lets the processes end, and ends those that don't. */
  close(): Promise<void>
}

/** What a batch may take beyond its processes' limit: a pause before they are started, and their end. ms */
const BEYOND_LIMIT_MS = 60_000

/**
 * Makes a handler of a command. Its processes are started when their first batch comes.
 * @throws TidemarkError HANDLER_INVALID where the shell finds no such command
 */
export function execHandler({ command, processes = 1, timeoutMs = 300_000, onLine = toStderr }: ExecOptions): ExecHandler {
  if (!Number.isSafeInteger(processes) || processes < 1)
    throw new TidemarkError('USAGE', `the number of processes is ${processes}`, { hint: 'It must be 1 or more' })
  findCommand(command)
  const watchdog = new Watchdog()
  const workers = Array.from({ length: processes }, (_, index) => new Worker({ number: index + 1, command, timeoutMs, watchdog, onLine }))
  const close = async (): Promise<void> => {
    await Promise.all(workers.map((worker) => worker.close()))
    watchdog.close()
  }
  return {
    handler: (batch) => divideAndWork(batch, workers),
    handlerTimeoutMs: timeoutMs + BEYOND_LIMIT_MS,
    overlap: processes === 1,
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** All parts are waited for, so that none is still at work on a batch that is tried again. */
async function divideAndWork(batch: HandlerBatch, workers: readonly Worker[]): Promise<void> {
  const parts = divide(batch, workers.length)
  const results = await Promise.allSettled(
    workers.map(async (worker, index) => {
      const part = parts[index]
      if (part !== undefined) await worker.work(part)
    }),
  )
  const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as Error] : []))
  if (errors.length === 0) return
  throw errors.find((error) => error instanceof TidemarkError) ?? new Error(errors.map(({ message }) => message).join('; '))
}

function toStderr(line: string): void {
  process.stderr.write(`${line}\n`)
}
