import { keyOf } from '../core/position.ts'
import type { OffsetRange } from '../core/position.ts'
import type { KafkaRecord, Slice } from '../kafka/log.ts'

/** Records to be worked on, and the ranges that they cover. Its offsets are saved by `done`, not before. */
export interface Batch {
  /** One per partition, contiguous with what was saved before. */
  readonly ranges: readonly OffsetRange[]
  /** In offset order within each partition. May be walked more than once. */
  readonly records: Iterable<KafkaRecord>
  readonly recordCount: number
  /**
   * The work succeeded: saves the offsets. Resolves once they are in the store.
   * @throws TidemarkError FENCED; STORE_UNREACHABLE and STORE_OUTCOME_UNKNOWN where the job is told to stop while the store is away
   */
  done(): Promise<void>
}

/** A batch that is handed out. */
export class JobBatch implements Batch {
  readonly ranges: readonly OffsetRange[]
  readonly records: Iterable<KafkaRecord>
  readonly recordCount: number
  isDone = false
  readonly #slices: readonly Slice[]
  readonly #save: (slices: readonly Slice[]) => Promise<void>

  constructor(slices: readonly Slice[], save: (slices: readonly Slice[]) => Promise<void>) {
    this.#slices = slices
    this.#save = save
    this.ranges = slices.map(({ topic, partition, fromOffset, untilOffset }) => ({ topic, partition, fromOffset, untilOffset }))
    this.recordCount = slices.reduce((sum, slice) => sum + slice.recordCount, 0)
    this.records = { [Symbol.iterator]: () => walk(slices) }
  }

  async done(): Promise<void> {
    if (this.isDone) return
    await this.#save(this.#slices)
    this.isDone = true
  }
}

function* walk(slices: readonly Slice[]): Generator<KafkaRecord> {
  for (const { records } of slices) yield* records
}

/** `topic-partition [from, until)`. */
export function printRange(range: OffsetRange): string {
  return `${keyOf(range)} [${range.fromOffset}, ${range.untilOffset})`
}
