import { MAX_EPOCHS } from '../core/position.ts'
import type { EpochStart, TopicPartition } from '../core/position.ts'
import { TidemarkError } from '../errors.ts'
import type { BufferedBatch, Part } from './buffered.ts'
import type { KafkaRecord, Slice } from './log.ts'
import { RecordCursor, RecordView } from './record.ts'
import type { RecordSource } from './record.ts'

/** Collects a partition's batches into one slice, within limits. */
export class SliceBuilder {
  readonly #place: TopicPartition
  readonly #fromOffset: number
  readonly #parts: Part[] = []
  readonly #epochs: EpochStart[] = []
  untilOffset: number
  recordCount = 0
  bytes = 0

  constructor(place: TopicPartition, fromOffset: number) {
    this.#place = place
    this.#fromOffset = fromOffset
    this.untilOffset = fromOffset
  }

  /**
   * Takes as much of the batch as the limits leave room for, and says whether that was all of it.
   * A batch is cut at `until`, and where it alone has too many records; at least one record is always taken into an empty slice.
   * @throws TidemarkError RECORD_CORRUPT
   */
  add(buffered: BufferedBatch, maxRecords: number, until: number): boolean {
    const { batch, hidden } = buffered
    if (batch.lastOffset < this.untilOffset) return true
    const end = Math.min(batch.lastOffset + 1, until)
    const isTooMuch = !hidden && this.recordCount > 0 && this.recordCount + batch.recordCount > maxRecords
    if (end <= this.untilOffset || isTooMuch) return false
    const part = hidden ? undefined : buffered.take(this.untilOffset, end, Math.max(1, maxRecords))
    this.#noteEpoch(batch.leaderEpoch, this.untilOffset)
    this.untilOffset = part?.untilOffset ?? end
    if (part !== undefined && part.recordCount > 0) this.#keep(part)
    return this.untilOffset === batch.lastOffset + 1
  }

  /** Moves on over offsets that hold nothing any more (compaction). */
  skipTo(offset: number): void {
    this.untilOffset = Math.max(this.untilOffset, offset)
  }

  build(): Slice {
    const last = this.#parts.at(-1)
    const records = new SliceRecords(this.#place, this.#parts)
    return {
      ...this.#place,
      fromOffset: this.#fromOffset,
      untilOffset: this.untilOffset,
      records,
      recordCount: this.recordCount,
      bytes: this.bytes,
      epochs: this.#epochs.slice(-MAX_EPOCHS),
      recordTime: last === undefined ? undefined : lastTimestamp(this.#place, last),
      release: () => records.release(),
    }
  }

  #keep(part: Part): void {
    part.piece.hold()
    this.#parts.push(part)
    this.recordCount += part.recordCount
    this.bytes += part.source.bytes.length
  }

  #noteEpoch(epoch: number, startOffset: number): void {
    if (epoch >= 0 && this.#epochs.at(-1)?.epoch !== epoch) this.#epochs.push({ epoch, startOffset })
  }
}

function lastTimestamp(place: TopicPartition, { source, at, recordCount }: Part): number {
  const cursor = new RecordCursor(source, at)
  cursor.skip(recordCount - 1)
  return new RecordView(place.topic, place.partition, source, cursor.next()).timestamp
}

/** The records of a slice, until its memory is used again. */
class SliceRecords implements Iterable<KafkaRecord> {
  readonly #place: TopicPartition
  #parts: readonly Part[] | undefined

  constructor(place: TopicPartition, parts: readonly Part[]) {
    this.#place = place
    this.#parts = parts
  }

  [Symbol.iterator](): Iterator<KafkaRecord> {
    if (this.#parts !== undefined) return new RecordIterator(this.#place, this.#parts)
    throw new TidemarkError('USAGE', 'the records of a batch that is done were asked for', {
      ...this.#place,
      hint: 'Walk them before, and copy what is to be kept longer',
    })
  }

  release(): void {
    for (const { piece } of this.#parts ?? []) piece.release()
    this.#parts = undefined
  }
}

/** Yields the records of several parts, one after the other. */
class RecordIterator implements Iterator<KafkaRecord> {
  readonly #topic: string
  readonly #partition: number
  readonly #parts: readonly Part[]
  #next = 0
  #left = 0
  #source: RecordSource | undefined
  #cursor: RecordCursor | undefined

  constructor({ topic, partition }: TopicPartition, parts: readonly Part[]) {
    this.#topic = topic
    this.#partition = partition
    this.#parts = parts
  }

  next(): IteratorResult<KafkaRecord> {
    if (this.#left === 0) this.#open(this.#parts[this.#next++])
    const [cursor, source] = [this.#cursor, this.#source]
    if (cursor === undefined || source === undefined) return { done: true, value: undefined }
    this.#left--
    return { done: false, value: new RecordView(this.#topic, this.#partition, source, cursor.next()) }
  }

  #open(part: Part | undefined): void {
    this.#source = part?.source
    this.#cursor = part && new RecordCursor(part.source, part.at)
    this.#left = part?.recordCount ?? 0
  }
}
