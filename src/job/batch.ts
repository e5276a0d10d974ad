import { keyOf } from '../core/position.ts'
import type { OffsetRange } from '../core/position.ts'
import { BatchVoice } from '../diagnostics.ts'
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

/** What a batch needs of its job. */
export interface Saver {
  /** Whose offsets they are. */
  group(): string
  /** Saves the offsets after slices that were handled; after a whole batch it plans the next one too. */
  save(done: readonly Slice[], isWhole: boolean): Promise<void>
  /** Lets a save go on while the next batch is worked on. */
  meanwhile(save: Promise<void>): void
  /** Makes ready to save the offsets after slices in one transaction with their work; attempts that fail are repeated as the same writes. Says whether the work counts. */
  transaction(slices: readonly Slice[]): (work: (transaction: unknown) => Promise<void>) => Promise<boolean>
  /** Saves the offset after a slice that is given up, with its ledger row. */
  giveUp(slice: Slice, reason: string): Promise<void>
}

/** A batch that is handed out, and the parts that it is divided into where some of its records fail. */
export class JobBatch implements Batch {
  readonly ranges: readonly OffsetRange[]
  readonly records: Iterable<KafkaRecord>
  readonly recordCount: number
  readonly slices: readonly Slice[]
  readonly #saver: Saver
  readonly #isWhole: boolean
  readonly #voice: BatchVoice
  #done = false
  #isSavedMeanwhile = false
  #transaction: ReturnType<Saver['transaction']> | undefined
  #parts: readonly JobBatch[] = []

  constructor(slices: readonly Slice[], saver: Saver, isWhole = true) {
    this.#isWhole = isWhole
    this.slices = slices
    this.#saver = saver
    this.ranges = slices.map(({ topic, partition, fromOffset, untilOffset }) => ({ topic, partition, fromOffset, untilOffset }))
    this.recordCount = slices.reduce((sum, slice) => sum + slice.recordCount, 0)
    this.records = { [Symbol.iterator]: () => new Walk(slices) }
    this.#voice = new BatchVoice({ group: saver.group(), ranges: this.ranges, recordCount: this.recordCount })
    this.#voice.tell('planned')
  }

  get isDone(): boolean {
    return this.#done || (this.#parts.length > 0 && this.#parts.every(({ isDone }) => isDone))
  }

  /** Whether it is still worked on. */
  get isInHand(): boolean {
    return !this.isDone && !this.#isSavedMeanwhile
  }

  /**
   * As `done`, but a whole batch's save goes on while the next one, which has other partitions, is worked on: who asks for the one
   * after that is told what went wrong. A part is saved before the part behind it is worked on.
   */
  async doneMeanwhile(): Promise<void> {
    if (!this.#isWhole || this.isDone) return this.done()
    this.#isSavedMeanwhile = true
    this.#saver.meanwhile(this.done())
  }

  async done(): Promise<void> {
    if (this.isDone) return
    this.#voice.tell('handled')
    this.#release()
    try {
      await this.#saver.save(this.slices, this.#isWhole)
    } catch (error) {
      this.failed(error)
      throw error
    }
    this.#done = true
    this.#voice.tell('saved')
  }

  /** Does the work and saves the offsets in one transaction of the store. False where the partitions are not ours as they were: then nothing was done. */
  async doneIn(work: (transaction: unknown) => Promise<void>): Promise<boolean> {
    this.#transaction ??= this.#saver.transaction(this.slices)
    const counts = await this.#transaction(async (transaction) => {
      await work(transaction)
      this.#voice.tell('handled')
    })
    this.#done = true
    this.#release()
    if (counts) this.#voice.tell('saved')
    else this.failed(new Error('the partitions were not ours any more as they were; nothing of it counts'))
    return counts
  }

  /** Its work or its save failed; for those who listen. */
  failed(error: unknown): void {
    this.#voice.tell('failed', { error })
  }

  /** Its partitions, or of one partition its halves, each to be worked on and done by itself, in this order; none of a single record. */
  divide(): readonly JobBatch[] {
    const [first] = this.slices
    if (this.slices.length > 1) this.#parts = this.slices.map((slice) => new JobBatch([slice], this.#saver, false))
    else if (first !== undefined && first.recordCount > 1)
      this.#parts = halve(first).map((slice) => new JobBatch([slice], this.#saver, false))
    return this.#parts
  }

  /** Moves on without its work having been done; the ledger says so. */
  async giveUp(reason: string): Promise<void> {
    for (const slice of this.slices) await this.#saver.giveUp(slice, reason)
    this.#done = true
  }

  /** Nobody looks at its records any more; a part's memory is that of the batch which it is a part of. */
  #release(): void {
    if (this.#isWhole) for (const slice of this.slices) slice.release?.()
  }
}

/** The two halves of a slice, cut between two records. */
function halve(slice: Slice): readonly Slice[] {
  const records = [...slice.records]
  const middle = Math.floor(records.length / 2)
  const cut = (records[middle] as KafkaRecord).offset
  const [before, behind] = [records.slice(0, middle), records.slice(middle)]
  return [
    { ...slice, ...countOf(before), untilOffset: cut, epochs: slice.epochs.filter(({ startOffset }) => startOffset < cut) },
    { ...slice, ...countOf(behind), fromOffset: cut },
  ]
}

function countOf(records: readonly KafkaRecord[]): Pick<Slice, 'records' | 'recordCount' | 'recordTime'> {
  return { records, recordCount: records.length, recordTime: records.at(-1)?.timestamp }
}

/** The records of one slice after the other. By hand: a generator takes as long again as all else that a record takes. */
class Walk implements Iterator<KafkaRecord> {
  readonly #slices: readonly Slice[]
  #next = 0
  #current: Iterator<KafkaRecord> | undefined

  constructor(slices: readonly Slice[]) {
    this.#slices = slices
  }

  next(): IteratorResult<KafkaRecord> {
    for (;;) {
      const result = this.#current?.next()
      if (result !== undefined && result.done !== true) return result
      const slice = this.#slices[this.#next++]
      if (slice === undefined) return { done: true, value: undefined }
      this.#current = slice.records[Symbol.iterator]()
    }
  }
}

/** `topic-partition [from, until)`. */
export function printRange(range: OffsetRange): string {
  return `${keyOf(range)} [${range.fromOffset}, ${range.untilOffset})`
}
