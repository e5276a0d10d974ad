import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Server } from '../lab/server.ts'
import { readSink, type Life } from './sink.ts'
import { slots, type Slot } from './stage.ts'

const jobFile = fileURLToPath(new URL('job.ts', import.meta.url))

/** What the workers of a round are started with. */
export interface CrewOptions {
  readonly bootstrapServers: string
  readonly storeUrl: (slot: Slot) => string
  /** Topic and group. */
  readonly name: string
  /** Where their files lie. */
  readonly folder: string
}

/** The workers: processes under supervisors, so that none outlives this one, not even a stopped one. One works at a time, unless a fault wants two. */
export class Crew implements AsyncDisposable {
  readonly sink: string
  readonly #workers: Readonly<Record<Slot, Server>>
  /** The lives that were ended here by kill -9. */
  readonly #killed = new Set<string>()
  #active: Slot = 'a'

  constructor({ bootstrapServers, storeUrl, name, folder }: CrewOptions) {
    this.sink = join(folder, `${name}.handled`)
    const worker = (slot: Slot): Server =>
      new Server({
        name: `worker ${slot}`,
        command: process.execPath,
        args: [jobFile, bootstrapServers, storeUrl(slot), name, this.sink, slot],
        logFile: join(folder, `${name}-${slot}.log`),
        // Also where this process is killed.
        leftovers: [folder],
        isUp: (log) => log.includes('begun'),
      })
    this.#workers = { a: worker('a'), b: worker('b') }
  }

  /** Whose turn it is. */
  get active(): Slot {
    return this.#active
  }

  /** Starts the worker whose turn it is, if it is not at work. */
  async ensure(): Promise<void> {
    await this.#workers[this.#active].start()
  }

  async kill(slot: Slot): Promise<void> {
    const { pid } = this.#workers[slot]
    if (pid === undefined) return
    this.#killed.add(`${slot}${pid}`)
    await this.#workers[slot].kill()
  }

  /** Asks a worker to end; one that can't reach its store may need the harder way. */
  async stop(slot: Slot): Promise<void> {
    const { pid } = this.#workers[slot]
    if (pid === undefined) return
    await this.#workers[slot].stop()
    if (this.lives().find(({ name }) => name === `${slot}${pid}`)?.end === undefined) this.#killed.add(`${slot}${pid}`)
  }

  /** The other worker is started while this one is at work, or believes that it is. */
  async takeOver(): Promise<void> {
    this.#active = this.#active === 'a' ? 'b' : 'a'
    await this.#workers[this.#active].start()
  }

  freeze(slot: Slot): void {
    this.#workers[slot].pause()
  }

  thaw(slot: Slot): void {
    this.#workers[slot].resume()
  }

  async stopAll(): Promise<void> {
    await Promise.all(slots.map((slot) => this.stop(slot)))
  }

  lives(): readonly Life[] {
    return readSink(this.sink).lives
  }

  /** The ends that no fault explains, one sentence each. */
  strangeEnds(): readonly string[] {
    return this.lives()
      .filter(({ name, end }) => (end === undefined ? !this.#killed.has(name) : !FIT_ENDS.test(end)))
      .map(({ name, end }) => `worker ${name} ended: ${end ?? 'without a word, and nobody had killed it'}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(slots.map((slot) => this.#workers[slot].close()))
  }
}

/** `by itself`: all its partitions were gone for a while, in a recreation. A worker that is told to stop may have to leave with its store away. */
const FIT_ENDS = /^(?:as told|by itself|FENCED |(?:STORE_UNREACHABLE|STORE_OUTCOME_UNKNOWN|KAFKA_UNREACHABLE) as told )/
