import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { OffsetRange } from '../src/index.ts'
import type { Lose } from './faulty-sqlite.ts'
import { goOn } from './go-on.ts'
import type { Told } from './job.ts'
import type { Stage } from './stage.ts'
import { during, event } from './tell.ts'

const jobFile = fileURLToPath(new URL('job.ts', import.meta.url))
const running = new Set<ChildProcess>()

/** How a job is started. `gated`: after each batch's work it waits for `goOn`; `untilEnd`: it ends when all there was is handled. */
export interface WorkerOptions {
  readonly gated?: boolean
  readonly untilEnd?: boolean
}

/** The job as the demo sees it: a process. */
export class Worker {
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown[]>
  #worked: OffsetRange[][] = []
  #failure = 'it ended'
  /** How many writes it has told of. */
  writes = 0

  constructor(stage: Stage, { gated = false, untilEnd = false }: WorkerOptions = {}) {
    const flags = [...(gated ? ['--gated'] : []), ...(untilEnd ? ['--until-end'] : [])]
    this.#child = fork(jobFile, [...stage.jobArgs, stage.sink, ...flags], { serialization: 'advanced' })
    stage.serve(this.#child)
    this.#child.on('message', (told) => this.#hear(told as Told))
    this.#ended = once(this.#child, 'exit')
    running.add(this.#child)
    this.#child.on('exit', () => running.delete(this.#child))
  }

  /** The ranges of the next batch whose work is done. */
  async worked(): Promise<readonly OffsetRange[]> {
    for (;;) {
      const ranges = this.#worked.shift()
      if (ranges !== undefined) return ranges
      if (this.#hasEnded()) throw new Error(`the job worked no more: ${this.#failure}`)
      await during('the job works', Promise.race([once(this.#child, 'message'), this.#ended]))
    }
  }

  /** Lets a gated job save the offsets of its batch. */
  goOn(): void {
    this.#child.send(goOn)
  }

  /** Has its next write fail. Resolves when that has happened. */
  async loseWrite(lose: Lose['lose']): Promise<void> {
    const before = this.writes
    this.#child.send({ lose } satisfies Lose)
    while (this.writes === before && !this.#hasEnded()) await Promise.race([once(this.#child, 'message'), this.#ended])
  }

  /** kill -9. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }

  /** Asks it to finish its batch and end. */
  async stop(): Promise<void> {
    this.#child.kill('SIGTERM')
    await this.finished()
  }

  /** Resolves when it ended well. */
  async finished(): Promise<void> {
    await during('the job works', this.#ended)
    if (this.#child.exitCode !== 0) throw new Error(`the job failed: ${this.#failure}`)
  }

  #hear(told: Told): void {
    if ('worked' in told) this.#worked.push([...told.worked])
    else if ('notice' in told) event('job', told.notice)
    else if ('wrote' in told) this.writes = told.wrote
    else if ('failed' in told) this.#failure = told.failed
  }

  #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }
}

/** Ends every job at once. */
export function killWorkers(): void {
  for (const child of running) child.kill('SIGKILL')
}
