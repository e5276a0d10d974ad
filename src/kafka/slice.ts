import { MAX_EPOCHS } from '../core/position.ts'
import type { EpochStart, TopicPartition } from '../core/position.ts'
import { recordBytes } from './batch.ts'
import type { RecordBatch } from './batch.ts'
import type { KafkaRecord, Slice } from './log.ts'
import { RecordCursor, RecordView } from './record.ts'

/** A fetched batch that waits to be handed out: which of its offsets, and whether its records are for anybody. */
export interface BufferedBatch {
  readonly batch: RecordBatch
  /** A control batch, or of an aborted transaction under read_committed: it moves the position and holds no records. */
  readonly hidden: boolean
}

/** What a part of a batch holds once it is uncompressed. */
interface Part {
  readonly batch: RecordBatch
  readonly bytes: Buffer
  readonly fromOffset: number
  readonly untilOffset: number
  readonly recordCount: number
}

/** Collects a partition's batches into one slice, within limits. */
export class SliceBuilder {
  readonly #place: TopicPartition
  readonly #fromOffset: number
  readonly #parts: Part[] = []
  readonly #epochs: EpochStart[] = []
  untilOffset: number
  recordCount = 0
  bytes = 0
  #recordTime: number | undefined

  constructor(place: TopicPartition, fromOffset: number) {
    this.#place = place
    this.#fromOffset = fromOffset
    this.untilOffset = fromOffset
  }

  /**
   * Takes as much of the batch as the limits leave room for, and says whether that was all of it.
   * A batch is cut where its records are too many, or at `until`; at least one record is always taken into an empty slice.
   */
  add({ batch, hidden }: BufferedBatch, maxRecords: number, until: number): boolean {
    if (batch.lastOffset < this.untilOffset) return true
    const end = Math.min(batch.lastOffset + 1, until)
    const room = Math.max(maxRecords - this.recordCount, this.recordCount === 0 ? 1 : 0)
    if (end <= this.untilOffset || (room === 0 && !hidden)) return false
    const part = hidden ? undefined : cut(batch, this.untilOffset, end, room)
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
    const parts = this.#parts
    const { topic, partition } = this.#place
    return {
      topic,
      partition,
      fromOffset: this.#fromOffset,
      untilOffset: this.untilOffset,
      records: { [Symbol.iterator]: () => new RecordIterator(topic, partition, parts) },
      recordCount: this.recordCount,
      bytes: this.bytes,
      epochs: this.#epochs.slice(-MAX_EPOCHS),
      recordTime: this.#recordTime,
    }
  }

  #keep(part: Part): void {
    this.#parts.push(part)
    this.recordCount += part.recordCount
    this.bytes += part.bytes.length
    this.#recordTime = lastTimestamp(part)
  }

  #noteEpoch(epoch: number, startOffset: number): void {
    if (epoch >= 0 && this.#epochs.at(-1)?.epoch !== epoch) this.#epochs.push({ epoch, startOffset })
  }
}

/** The batch's records from an offset on, at most `room` of them and none at or beyond `end`. Whole batches are taken by their header, without a walk. */
function cut(batch: RecordBatch, fromOffset: number, end: number, room: number): Part {
  const bytes = recordBytes(batch)
  if (fromOffset <= batch.baseOffset && end === batch.lastOffset + 1 && batch.recordCount <= room) {
    return { batch, bytes, fromOffset, untilOffset: end, recordCount: batch.recordCount }
  }
  const cursor = new RecordCursor(batch, bytes)
  let recordCount = 0
  while (cursor.next()) {
    if (cursor.offset < fromOffset) continue
    if (cursor.offset >= end || recordCount === room)
      return { batch, bytes, fromOffset, untilOffset: Math.min(cursor.offset, end), recordCount }
    recordCount++
  }
  return { batch, bytes, fromOffset, untilOffset: end, recordCount }
}

function lastTimestamp(part: Part): number {
  const cursor = new RecordCursor(part.batch, part.bytes)
  let timestamp = -1
  while (cursor.next() && cursor.offset < part.untilOffset) timestamp = cursor.timestamp
  return timestamp
}

/** Yields the records of several parts, one after the other. */
class RecordIterator implements Iterator<KafkaRecord> {
  readonly #topic: string
  readonly #partition: number
  readonly #parts: readonly Part[]
  #index = -1
  #part: Part | undefined
  #cursor: RecordCursor | undefined

  constructor(topic: string, partition: number, parts: readonly Part[]) {
    this.#topic = topic
    this.#partition = partition
    this.#parts = parts
  }

  next(): IteratorResult<KafkaRecord> {
    for (;;) {
      if (this.#part === undefined || this.#cursor === undefined || !this.#cursor.next() || this.#cursor.offset >= this.#part.untilOffset) {
        this.#part = this.#parts[++this.#index]
        if (this.#part === undefined) return { done: true, value: undefined }
        this.#cursor = new RecordCursor(this.#part.batch, this.#part.bytes)
        continue
      }
      if (this.#cursor.offset < this.#part.fromOffset) continue
      return {
        done: false,
        value: new RecordView(
          this.#topic,
          this.#partition,
          this.#cursor.offset,
          this.#cursor.timestamp,
          this.#part.bytes,
          this.#cursor.keyAt,
        ),
      }
    }
  }
}
