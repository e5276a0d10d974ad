import { keyOf } from '../core/position.ts'
import type { OffsetRange } from '../core/position.ts'
import type { LogReader, Slice, Taken } from '../kafka/log.ts'
import { printRange } from './batch.ts'
import type { InHand } from './in-hand.ts'
import type { JobOptions } from './options.ts'
import type { Voice } from './voice.ts'

/** What a job takes from its reader, batch by batch: first what was planned before a crash. */
export class Intake {
  readonly #reader: LogReader
  readonly #options: JobOptions
  readonly #inHand: InHand
  readonly #voice: Voice
  /** Ranges that were planned before a crash, to be run first and as they were. */
  #replay: OffsetRange[] = []
  readonly #replayed = new WeakSet<Slice>()

  constructor(reader: LogReader, options: JobOptions, inHand: InHand, voice: Voice) {
    this.#reader = reader
    this.#options = options
    this.#inHand = inHand
    this.#voice = voice
  }

  /** Is to be run first, as it was. */
  replay(range: OffsetRange): void {
    this.#replay.push(range)
  }

  get hasReplay(): boolean {
    return this.#replay.length > 0
  }

  /** Whether it may have been worked on before a crash. */
  isReplay(slice: Slice): boolean {
    return this.#replayed.has(slice)
  }

  /**
   * The batches that come next, besides those in hand: two of different partitions where there are none and batches may overlap.
   * @param until where partitions end, by key
   * @param done what is saved by the write that plans them
   */
  async next(maxWaitMs: number, until: ReadonlyMap<string, number>, done: readonly Slice[] = []): Promise<readonly Taken[]> {
    if (this.hasReplay) return [await this.#takeReplay()]
    const others = this.#inHand.besides(done)
    const areTwo = this.#options.overlap && others.size === 0
    const first = await this.#take(maxWaitMs, until, others, areTwo)
    if (!areTwo || first.slices.length === 0) return [first]
    return [first, await this.#take(0, until, new Set(first.slices.map(keyOf)))]
  }

  async #take(maxWaitMs: number, until: ReadonlyMap<string, number>, others: ReadonlySet<string>, halve = false): Promise<Taken> {
    const { maxRecords, maxBytes, untilEnd, signal, control } = this.#options
    const skip = control.paused.size === 0 ? others : new Set([...control.paused, ...others])
    const limits = { maxRecords, maxBytes, maxWaitMs, halve, skip, until: untilEnd ? until : undefined }
    return this.#kept(await this.#reader.take(limits, signal))
  }

  async #takeReplay(): Promise<Taken> {
    const replay = this.#replay
    const { signal } = this.#options
    this.#voice.say('replanned', `running again what was planned before the last stop: ${replay.map(printRange).join(', ')}`)
    const taken = await this.#reader.takeRanges(replay, signal)
    this.#replay =
      taken.slices.length > 0 || signal.aborted
        ? []
        : replay.filter((range) => !taken.disputes.some((dispute) => keyOf(dispute) === keyOf(range)))
    for (const slice of taken.slices) this.#replayed.add(slice)
    return this.#kept(taken)
  }

  #kept(taken: Taken): Taken {
    this.#inHand.add(taken.slices)
    return taken
  }
}
