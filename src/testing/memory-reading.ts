import { MAX_EPOCHS } from '../core/position.ts'
import type { EpochStart, TopicPartition } from '../core/position.ts'
import type { Dispute, Isolation, KafkaRecord, Slice, StartAt } from '../kafka/log.ts'
import type { Fetched } from './memory-fetch.ts'
import type { MemoryBatch } from './memory-partition.ts'

/** How much of a partition may go into one slice. */
export interface SliceLimits {
  readonly maxRecords: number
  readonly maxBytes: number
  readonly until: number
}

interface Buffered {
  readonly batch: MemoryBatch
  /** A marker, or of an aborted transaction under read_committed: it moves the position and holds no records for anybody. */
  readonly isHidden: boolean
}

/** One partition that is being read: where it is fetched next, and what is fetched and not handed out yet. */
export class MemoryReading implements TopicPartition {
  readonly topic: string
  readonly partition: number
  readonly topicId: string
  fetchOffset: number
  /** The epoch of the last batch fetched; undefined: not known. */
  fetchedEpoch: number | undefined
  /** The log end, as the last fetch told it; undefined: none did yet. */
  logEndOffset: number | undefined
  bufferedBytes = 0
  isInFlight = false
  /** Whether its leader has to be heard of anew before it is fetched. */
  isStale = true
  /** Not fetched before this time, ms. */
  retryAt = 0
  /** What it waits for, if it does. */
  trouble: string | undefined
  /** Has to be buffered up to this offset, whatever the limits. */
  requiredUntil = 0
  #handedOut: number
  #dispute: Dispute | undefined
  #damage: Dispute | undefined
  #failures = 0
  #buffered: Buffered[] = []

  constructor({ topic, partition, topicId, offset, leaderEpoch }: StartAt) {
    this.topic = topic
    this.partition = partition
    this.topicId = topicId
    this.fetchOffset = offset
    this.#handedOut = offset
    this.fetchedEpoch = leaderEpoch
  }

  /** Whether there is something to hand out below an offset. */
  ready(until: number): boolean {
    return this.#buffered.length > 0 && this.#handedOut < until
  }

  /** How many offsets are buffered: as many records, or fewer. */
  get bufferedOffsets(): number {
    return this.fetchOffset - this.#handedOut
  }

  /** Whether everything below the offset is buffered. */
  covers(until: number): boolean {
    return this.fetchOffset >= until
  }

  /** Facts that changed, or a batch that can't be read once all before it is handed out. */
  get dispute(): Dispute | undefined {
    return this.#dispute ?? (this.#buffered.length === 0 ? this.#damage : undefined)
  }

  /** Whether it is fetched no more. */
  get isStopped(): boolean {
    return this.#dispute !== undefined || this.#damage !== undefined
  }

  /** Takes in what a broker answered. */
  accept(fetched: Fetched, isolation: Isolation, now: number): void {
    if (fetched.state === 'error' && fetched.error === 'OFFSET_OUT_OF_RANGE')
      return this.disputed(fetched.error, `the leader has no offset ${this.fetchOffset} to read on from`)
    if (fetched.state === 'error') return this.failed(fetched.error, now)
    if (fetched.state === 'diverging')
      return this.disputed('DIVERGING_EPOCH', `the leader's history ends epoch ${fetched.epoch} at ${fetched.endOffset}`)
    this.trouble = undefined
    this.#failures = 0
    this.logEndOffset = fetched.logEndOffset
    for (const batch of fetched.batches) if (!this.#buffer(batch, isolation)) return
  }

  /** Its facts changed: what is buffered may be of another history. */
  disputed(reason: string, detail: string): void {
    this.#dispute = { topic: this.topic, partition: this.partition, reason, detail }
    this.#buffered = []
    this.bufferedBytes = 0
  }

  /** It could not be fetched: hear of its leader again, after a pause that doubles. */
  failed(reason: string, now: number): void {
    this.trouble = reason
    this.isStale = true
    this.retryAt = now + Math.min(100 * 2 ** this.#failures, 2_000)
    this.#failures++
  }

  /** Hands out what is buffered, within limits; undefined where nothing is. */
  slice(limits: SliceLimits): Slice | undefined {
    const fromOffset = this.#handedOut
    const part = new Part(fromOffset)
    while (this.#buffered[0] !== undefined) {
      const { batch, isHidden } = this.#buffered[0]
      if (part.records.length > 0 && part.bytes + batch.bytes > limits.maxBytes) break
      if (!part.add(batch, isHidden, limits)) break
      this.#buffered.shift()
      this.bufferedBytes -= batch.bytes
    }
    if (part.untilOffset === fromOffset) return undefined
    this.#handedOut = part.untilOffset
    const { topic, partition } = this
    const { untilOffset, records, bytes, epochs } = part
    const recordTime = records.at(-1)?.timestamp
    return {
      topic,
      partition,
      fromOffset,
      untilOffset,
      records,
      recordCount: records.length,
      bytes,
      epochs: epochs.slice(-MAX_EPOCHS),
      recordTime,
    }
  }

  /** False at a batch that can't be read. */
  #buffer(batch: MemoryBatch, isolation: Isolation): boolean {
    if (batch.lastOffset < this.fetchOffset) return true
    if (batch.isDamaged) {
      const { topic, partition } = this
      const { baseOffset: fromOffset, lastOffset } = batch
      const detail = `the record batch at offset ${fromOffset} can't be read: CRC32C does not match`
      const unreadable = { fromOffset, untilOffset: lastOffset + 1, bytes: Buffer.alloc(batch.bytes) }
      this.#damage = { topic, partition, reason: 'RECORD_CORRUPT', detail, unreadable }
      return false
    }
    const isAborted = isolation === 'read_committed' && batch.transaction?.state === 'aborted'
    this.#buffered.push({ batch, isHidden: batch.isControl || isAborted })
    this.bufferedBytes += batch.bytes
    this.fetchOffset = batch.lastOffset + 1
    this.fetchedEpoch = batch.epoch
    return true
  }
}

/** Collects a partition's batches into one slice. */
class Part {
  untilOffset: number
  readonly records: KafkaRecord[] = []
  readonly epochs: EpochStart[] = []
  bytes = 0

  constructor(fromOffset: number) {
    this.untilOffset = fromOffset
  }

  /** Takes as much of a batch as the limits leave room for, but at least one record, and says whether that was all of it. */
  add(batch: MemoryBatch, isHidden: boolean, { maxRecords, until }: SliceLimits): boolean {
    const end = Math.min(batch.lastOffset + 1, until)
    const room = Math.max(maxRecords - this.records.length, this.records.length === 0 ? 1 : 0)
    // Offsets between two batches hold nothing any more.
    if (batch.baseOffset >= until) this.untilOffset = Math.max(this.untilOffset, until)
    if (end <= this.untilOffset || (room === 0 && !isHidden)) return batch.lastOffset < this.untilOffset
    const left = isHidden ? [] : batch.records.filter(({ offset }) => offset >= this.untilOffset && offset < end)
    if (this.epochs.at(-1)?.epoch !== batch.epoch) this.epochs.push({ epoch: batch.epoch, startOffset: this.untilOffset })
    this.records.push(...left.slice(0, room))
    this.bytes += isHidden ? 0 : batch.bytes
    this.untilOffset = left[room]?.offset ?? end
    return this.untilOffset === batch.lastOffset + 1
  }
}
