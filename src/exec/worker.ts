import { systemClock } from '../clock.ts'
import { Child } from './child.ts'
import type { Ears, End } from './child.ts'
import { commandInvalid } from './command.ts'
import { encodeBatch, readAnswer } from './protocol.ts'
import type { Part } from './protocol.ts'
import { Task } from './task.ts'
import type { Watchdog } from './watchdog.ts'

/** The pause before a process that answered nothing is started again, ms; it doubles, up to the longest. */
const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 10_000
/** What a process gets to end by itself once its input is closed, and after SIGTERM, ms. */
const STOP: readonly (readonly [ms: number, then: NodeJS.Signals])[] = [
  [5_000, 'SIGTERM'],
  [2_000, 'SIGKILL'],
]

/** What a worker runs and how. */
export interface WorkerOptions {
  /** Which of several it is, from 1 on. */
  readonly number: number
  readonly command: string
  /** How long a process may take for its part of a batch, ms. */
  readonly timeoutMs: number
  readonly watchdog: Watchdog
  /** Takes a line for people: of the process's standard error, or about the process. */
  readonly onLine: (line: string) => void
}

/**
 * Keeps one process of the command at work, one batch at a time. A process that ended, or that did anything but give the one right
 * answer, is followed by a new one when the next batch comes: what the old one may still do or say counts for nothing.
 */
export class Worker {
  readonly #options: WorkerOptions
  readonly #closing = new AbortController()
  #child: Child | undefined
  #task: Task | undefined
  #queue: Promise<void> = Promise.resolve()
  /** Processes in a row that were started and answered nothing. */
  #fruitless = 0

  constructor(options: WorkerOptions) {
    this.#options = options
  }

  /** Has a part of a batch worked on; resolves when it is acknowledged. A batch that is in hand is given up, and its process ended. */
  work(part: Part): Promise<void> {
    this.#task?.reject(new Error('the batch was given up before it was acknowledged'))
    const work = this.#queue.then(() => this.#run(part))
    this.#queue = work.catch(() => {})
    return work
  }

  /** Lets the process end: at the end of its input, by SIGTERM, by SIGKILL. */
  async close(): Promise<void> {
    this.#closing.abort()
    if (this.#child !== undefined) await this.#stop(this.#child)
    await this.#queue
  }

  async #stop(child: Child): Promise<void> {
    child.finish()
    const over = new AbortController()
    const ended = child.ended.then(() => over.abort())
    for (const [ms, signal] of STOP) {
      await systemClock.sleep(ms, over.signal)
      if (over.signal.aborted) break
      this.#say(`the process has not ended after ${ms / 1000} s: ${signal}`)
      child.kill(signal)
    }
    await ended
  }

  async #run(part: Part): Promise<void> {
    const child = await this.#start()
    const task = new Task(part.ranges)
    this.#task = task
    const over = new AbortController()
    void this.#limitTime(task, over.signal)
    let failure: string | undefined
    try {
      ;[failure] = await Promise.all([task.answer, this.#send(child, task, part)])
    } catch (error) {
      await this.#drop(child)
      throw error
    } finally {
      over.abort()
      this.#task = undefined
    }
    if (failure !== undefined) throw new Error(failure)
  }

  async #send(child: Child, task: Task, part: Part): Promise<void> {
    await child.send(encodeBatch(task.id, part))
    task.sent = true
  }

  async #limitTime({ reject }: Task, over: AbortSignal): Promise<void> {
    const { timeoutMs } = this.#options
    await systemClock.sleep(timeoutMs, over)
    if (!over.aborted) reject(this.#failed(`did not acknowledge its batch within ${timeoutMs / 1000} s; it was killed`))
  }

  /** The process that there is, or a new one. */
  async #start(): Promise<Child> {
    if (this.#child !== undefined) return this.#child
    if (this.#fruitless > 0)
      await systemClock.sleep(Math.min(FIRST_PAUSE_MS * 2 ** (this.#fruitless - 1), LONGEST_PAUSE_MS), this.#closing.signal)
    if (this.#closing.signal.aborted) throw new Error('the handler was closed')
    this.#fruitless++
    const ears: Ears = {
      onAnswer: (line, whole) => this.#hear(child, line, whole),
      onError: (line) => this.#say(line),
    }
    const child = new Child(this.#options.command, ears, this.#options.watchdog)
    this.#child = child
    void child.ended.then((end) => this.#bury(child, end))
    return child
  }

  #hear(child: Child, line: string, whole: boolean): void {
    if (this.#child !== child) return
    const answer = whole
      ? readAnswer(line, this.#task)
      : ({ state: 'refused', why: 'wrote a line that is too long for an answer' } as const)
    if (answer.state === 'refused') return this.#refuse(child, answer.why)
    this.#fruitless = 0
    this.#task?.resolve(answer.state === 'failed' ? answer.error : undefined)
    this.#task = undefined
  }

  /** Where a batch is in hand, it fails. Otherwise nobody is there to be told but those who read our lines. */
  #refuse(child: Child, why: string): void {
    if (this.#task !== undefined) return this.#task.reject(this.#failed(`${why}; it was killed`))
    this.#say(`the process ${why}; it is killed, and the next batch starts another`)
    const gone = this.#drop(child)
    this.#queue = this.#queue.then(() => gone)
  }

  #bury(child: Child, { how, well, notStarted }: End): void {
    if (this.#child !== child) return
    this.#child = undefined
    const isInvalid = notStarted && this.#fruitless > 0
    if (this.#task !== undefined) return this.#task.reject(isInvalid ? commandInvalid(how) : this.#failed(how))
    if (!well && !this.#closing.signal.aborted) this.#say(`the process ${how}, between two batches; the next one starts another`)
  }

  /** Ends a process at once; it is no longer listened to. */
  async #drop(child: Child): Promise<void> {
    if (this.#child === child) this.#child = undefined
    child.kill('SIGKILL')
    await child.ended
  }

  #say(line: string): void {
    this.#options.onLine(`exec ${this.#options.number}: ${line}`)
  }

  #failed(how: string): Error {
    return new Error(`process ${this.#options.number} ${how}`)
  }
}
