import { keyOf } from '../core/position.ts'
import type { TopicPartition } from '../core/position.ts'
import type { Slice } from '../kafka/log.ts'

/**
 * What a job has taken from the log and not saved yet: batches that are planned, the one that is worked on, and those whose save is
 * under way. A partition is in one of them at a time, so that their saves don't meet.
 */
export class InHand {
  readonly #slices = new Map<string, Slice>()
  /** Planned in the store and not handed out yet, in order. */
  #planned: (readonly Slice[])[] = []
  readonly #saves = new Set<Promise<void>>()
  #failure: { readonly error: unknown; isHeard: boolean } | undefined
  #turn: Promise<unknown> = Promise.resolve()

  /** Partitions that are in hand, by `topic-partition` key, besides those of slices that are being saved: the same write may plan on. */
  besides(done: readonly Slice[]): ReadonlySet<string> {
    const keys = new Set(this.#slices.keys())
    for (const slice of done) keys.delete(keyOf(slice))
    return keys
  }

  /** Taken from the log. */
  add(slices: readonly Slice[]): void {
    for (const slice of slices) this.#slices.set(keyOf(slice), slice)
  }

  /** Not in hand any more; a later slice of the same partition stays. */
  remove(slices: readonly Slice[]): void {
    for (const slice of slices) if (this.#slices.get(keyOf(slice)) === slice) this.#slices.delete(keyOf(slice))
  }

  /** The plan of these is in the store; of the partitions that it is not, they are dropped. */
  planned(slices: readonly Slice[], isPlanned: (partition: TopicPartition) => boolean): void {
    this.remove(slices.filter((slice) => !isPlanned(slice)))
    const kept = slices.filter(isPlanned)
    if (kept.length > 0) this.#planned.push(kept)
  }

  /** The next planned batch. */
  get next(): readonly Slice[] | undefined {
    return this.#planned[0]
  }

  /** The next planned batch is handed out. */
  begin(): void {
    this.#planned.shift()
  }

  /** All that is planned and will not be handed out. */
  withdraw(): readonly Slice[] {
    const withdrawn = this.#planned.flat()
    this.#planned = []
    return withdrawn
  }

  /** Takes from the log one after the other: what one save takes, another must not. */
  inTurn<T>(take: () => Promise<T>): Promise<T> {
    const taken = this.#turn.then(take)
    this.#turn = taken.catch(() => {})
    return taken
  }

  /** A save that goes on while other things are done. */
  saving(save: Promise<void>): void {
    const over = save
      .catch((error: unknown) => {
        this.#failure ??= { error, isHeard: false }
      })
      .then(() => void this.#saves.delete(over))
    this.#saves.add(over)
  }

  /** @throws what a save failed with */
  assertSaved(): void {
    if (this.#failure === undefined) return
    this.#failure.isHeard = true
    throw this.#failure.error
  }

  /** What a save failed with in a job that something else had ended by then; undefined: nothing, or it was thrown. */
  get unheard(): unknown {
    return this.#failure?.isHeard === false ? this.#failure.error : undefined
  }

  /** Whether saves go on. */
  get isSaving(): boolean {
    return this.#saves.size > 0
  }

  /** The first of the saves that go on is over, however. */
  async aSave(): Promise<void> {
    await Promise.race(this.#saves)
  }

  /** All saves are over, however. */
  async allSaves(): Promise<void> {
    await Promise.all(this.#saves)
  }
}
