import { spawn } from 'node:child_process'
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { constants } from 'node:os'
import { LineSplitter } from './lines.ts'
import type { OnLine } from './lines.ts'
import type { Watchdog } from './watchdog.ts'

/** A line of standard output, at most: longer than the ranges of 10,000 partitions. Bytes. */
const MAX_ANSWER = 4 * 1024 * 1024
/** A longer line of standard error is passed on in pieces, bytes. */
const MAX_ERROR_LINE = 16 * 1024
/** How many of the last lines of standard error an error shows, and how much of each, characters. */
const LAST_LINES = 5
const LAST_LINE_LENGTH = 300
/** How long we wait for a process whose standard input is closed to say why by its exit, and for what an ended one left in its pipes, ms. */
const LINGER_MS = 1_000
/** The shell's exit codes for what it can't execute and what it does not find. */
const NOT_STARTED = new Set<number | null>([126, 127])

/** What becomes of a process's lines. */
export interface Ears {
  /** A line of its standard output, or a piece of one that is too long. */
  readonly onAnswer: OnLine
  /** A line of its standard error. */
  readonly onError: (line: string) => void
}

/** How a process ended. */
export interface End {
  /** `ended with exit code 1`, and its last lines. */
  readonly how: string
  /** It ended by itself, with exit code 0. */
  readonly well: boolean
  /** The shell did not find the command, or could not execute it. */
  readonly notStarted: boolean
}

/** One process of the user's command: a shell, in a process group of its own, which our terminal's signals don't reach and which we end as a whole. */
export class Child {
  /** Resolves when the process is over and all that it wrote has been passed on. */
  readonly ended: Promise<End>
  readonly #process: ChildProcessWithoutNullStreams
  readonly #watchdog: Watchdog
  readonly #lastLines: string[] = []
  #over = false
  /** Why we ended it, where its exit does not tell. */
  #reason: string | undefined
  #resume: () => void = () => {}

  constructor(command: string, { onAnswer, onError }: Ears, watchdog: Watchdog) {
    this.#watchdog = watchdog
    const { promise, resolve } = Promise.withResolvers<End>()
    this.ended = promise
    this.#process = spawn('/bin/sh', ['-c', command], { detached: true })
    this.#process.on('error', (error) => resolve(notSpawned(error)))
    if (this.#process.pid === undefined) {
      this.#over = true
      return
    }
    watchdog.watch(this.#process.pid)
    const answers = new LineSplitter(MAX_ANSWER, onAnswer)
    const errors = new LineSplitter(MAX_ERROR_LINE, (line) => {
      this.#lastLines.push(line.length > LAST_LINE_LENGTH ? `${line.slice(0, LAST_LINE_LENGTH)}…` : line)
      if (this.#lastLines.length > LAST_LINES) this.#lastLines.shift()
      onError(line)
    })
    this.#process.stdout.on('data', (chunk: Buffer) => answers.push(chunk)).on('end', () => answers.flush())
    this.#process.stderr.on('data', (chunk: Buffer) => errors.push(chunk)).on('end', () => errors.flush())
    this.#process.stdin
      .on('error', () => this.#hangUp())
      .on('drain', () => this.#resume())
      .on('close', () => this.#resume())
    this.#process.on('exit', () => this.#leave())
    this.#process.on('close', (code, signal) => resolve(this.#end(code, signal)))
  }

  /** Writes pieces to its standard input, no faster than it reads. Resolves too when there is nobody left to read. */
  async send(pieces: Iterable<string>): Promise<void> {
    for (const piece of pieces) {
      if (this.#over || this.#process.stdin.destroyed) return
      if (this.#process.stdin.write(piece)) continue
      await new Promise<void>((resolve) => {
        this.#resume = resolve
      })
    }
  }

  /** Closes its standard input: there will be no more batches. */
  finish(): void {
    if (!this.#over) this.#process.stdin.end()
  }

  /** Sends a signal to the whole group. */
  kill(signal: NodeJS.Signals): void {
    if (this.#over || this.#process.pid === undefined) return
    try {
      process.kill(-this.#process.pid, signal)
    } catch {
      // Nobody is left in it.
    }
  }

  /** It closed its standard input. If it is about to end, its exit says more. */
  #hangUp(): void {
    setTimeout(() => {
      if (this.#over) return
      this.#reason = 'closed its standard input'
      this.kill('SIGKILL')
    }, LINGER_MS).unref()
  }

  /** The process has ended. Those it started may still hold its pipes open; they get a moment. */
  #leave(): void {
    setTimeout(() => {
      this.kill('SIGKILL')
      this.#process.stdout.destroy()
      this.#process.stderr.destroy()
    }, LINGER_MS).unref()
  }

  #end(code: number | null, signal: NodeJS.Signals | null): End {
    this.kill('SIGKILL')
    this.#over = true
    if (this.#process.pid !== undefined) this.#watchdog.forget(this.#process.pid)
    const exit = this.#reason ?? (signal === null ? `ended with exit code ${code}${signalOf(code)}` : `was ended by ${signal}`)
    const lines = this.#lastLines.length === 0 ? '' : `; its last lines: ${this.#lastLines.join(' | ')}`
    return { how: exit + lines, well: code === 0, notStarted: NOT_STARTED.has(code) }
  }
}

/** The shell that a process was started by says with 128 and more that a signal ended it. */
function signalOf(code: number | null): string {
  const found = Object.entries(constants.signals).find(([, number]) => code === 128 + number)
  return found === undefined ? '' : ` (${found[0]})`
}

/** There is no shell, or the machine has no more processes or files to give. */
function notSpawned({ message, code }: NodeJS.ErrnoException): End {
  return { how: `could not be started: ${message}`, well: false, notStarted: code === 'ENOENT' || code === 'EACCES' }
}
