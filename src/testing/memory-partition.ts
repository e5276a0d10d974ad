import type { EpochEnd } from '../core/facts.ts'
import type { EpochStart, TopicPartition } from '../core/position.ts'
import type { Isolation, KafkaRecord } from '../kafka/log.ts'

/** A record to write into a {@link MemoryPartition}. */
export interface MemoryRecord {
  readonly key?: string | Buffer | null
  readonly value?: string | Buffer | null
  /** ms since 1970; the time of writing if not said. */
  readonly timestamp?: number
  readonly headers?: KafkaRecord['headers']
}

/** A transaction of one partition; made by {@link MemoryPartition.begin}. */
export interface MemoryTransaction {
  state: 'open' | 'committed' | 'aborted'
}

/** A record batch as a broker keeps it. What was fetched of one never changes: the log puts another in its place. */
export interface MemoryBatch {
  readonly baseOffset: number
  /** The last offset that the batch covers, whether or not a record is left at it. */
  readonly lastOffset: number
  readonly epoch: number
  readonly records: readonly KafkaRecord[]
  readonly bytes: number
  /** A marker of transactions: it takes an offset and holds no record. */
  readonly isControl: boolean
  readonly transaction?: MemoryTransaction | undefined
  /** Its CRC would not match. */
  readonly isDamaged: boolean
}

/** What a leader needs to know of the world around it. */
export interface Surroundings {
  readonly now: () => number
  /** Told of everything that a fetch or a question may see. */
  readonly changed: () => void
  /** Told when leader or epoch are others. */
  readonly led: () => void
}

/** One partition of a {@link MemoryLog}: what its leader holds, and what a test can do to it. */
export class MemoryPartition implements TopicPartition {
  readonly topic: string
  readonly partition: number
  #leaderId: number | undefined = 1
  #logStartOffset = 0
  /** The high watermark. */
  #logEndOffset = 0
  /** The end of the leader's own log: what is above the high watermark is not replicated yet. */
  #writtenUntil = 0
  #replicates = true
  #batches: MemoryBatch[] = []
  /** The leader epochs known to the leader, each with the log end when it began; the last is the current one. */
  #epochs: EpochStart[] = [{ epoch: 0, startOffset: 0 }]
  readonly #open = new Map<MemoryTransaction, number>()
  /** Old leaders that do not know yet that they are deposed, and answer from what they had. */
  readonly #deposed = new Map<number, MemoryPartition>()
  readonly #surroundings: Surroundings

  constructor({ topic, partition }: TopicPartition, surroundings: Surroundings) {
    this.topic = topic
    this.partition = partition
    this.#surroundings = surroundings
  }

  /** The broker that leads it; undefined: none does now. */
  get leaderId(): number | undefined {
    return this.#leaderId
  }

  get leaderEpoch(): number {
    return this.#epochs.at(-1)?.epoch ?? 0
  }

  get logStartOffset(): number {
    return this.#logStartOffset
  }

  /** The high watermark: what is below it can be read. */
  get logEndOffset(): number {
    return this.#logEndOffset
  }

  /** The end of the leader's own log, at or above {@link logEndOffset}. */
  get writtenUntil(): number {
    return this.#writtenUntil
  }

  /** Where read_committed ends: the log end, or the first record of a transaction that is open. */
  get lastStableOffset(): number {
    return Math.min(this.#logEndOffset, ...this.#open.values())
  }

  /** Whether the leader knows a high watermark at or above its epoch's start; after an election it may not, and does not tell its log end. */
  get knowsEnd(): boolean {
    return this.#logEndOffset >= (this.#epochs.at(-1)?.startOffset ?? 0)
  }

  /** The batches that are kept, in offset order. */
  get batches(): readonly MemoryBatch[] {
    return this.#batches
  }

  /** Writes one batch, and returns the offset of its first record. */
  append(...records: readonly MemoryRecord[]): number {
    return this.#write(records, {})
  }

  /** Moves the log end on over offsets that hold no record, as compaction leaves them. */
  appendGap(offsets: number): void {
    this.#write([], { offsets })
  }

  /** Begins a transaction; its records are written with {@link appendIn}. */
  begin(): MemoryTransaction {
    return { state: 'open' }
  }

  /** Writes one batch as part of a transaction, and returns the offset of its first record. */
  appendIn(transaction: MemoryTransaction, ...records: readonly MemoryRecord[]): number {
    if (!this.#open.has(transaction)) this.#open.set(transaction, this.#writtenUntil)
    return this.#write(records, { transaction })
  }

  /** Ends a transaction with its marker. */
  end(transaction: MemoryTransaction, state: 'committed' | 'aborted'): void {
    transaction.state = state
    this.#open.delete(transaction)
    this.#write([], { transaction, isControl: true, offsets: 1 })
  }

  /** Whether followers keep up. While they don't, what is written can't be read. */
  replicate(keepUp: boolean): void {
    this.#replicates = keepUp
    if (keepUp) this.#logEndOffset = this.#writtenUntil
    this.#surroundings.changed()
  }

  /** Removes what is below an offset, as retention does: whole batches stay where the offset cuts one, but can't be read below it. */
  expire(beforeOffset: number): void {
    const start = Math.min(Math.max(this.#logStartOffset, beforeOffset), this.#logEndOffset)
    this.#logStartOffset = start
    this.#batches = this.#batches.filter(({ lastOffset }) => lastOffset >= start)
    const current = this.#epochs.findLastIndex(({ startOffset }) => startOffset <= start)
    this.#epochs = this.#epochs
      .slice(Math.max(0, current))
      .map(({ epoch, startOffset }) => ({ epoch, startOffset: Math.max(startOffset, start) }))
    this.#surroundings.changed()
  }

  /** An unclean election: the new leader's log ends at an offset, and its epoch begins there. */
  truncate(toOffset: number, leaderId: number = this.#leaderId ?? 1): void {
    const end = Math.min(toOffset, this.#writtenUntil)
    const epoch = this.leaderEpoch + 1
    this.#leaderId = leaderId
    this.#writtenUntil = end
    this.#logEndOffset = Math.min(this.#logEndOffset, end)
    if (this.#replicates) this.#logEndOffset = end
    this.#logStartOffset = Math.min(this.#logStartOffset, end)
    this.#batches = this.#batches.filter(({ baseOffset }) => baseOffset < end).map((batch) => cut(batch, end))
    this.#epochs = [...this.#epochs.filter(({ startOffset }) => startOffset < end), { epoch, startOffset: end }]
    for (const [transaction, firstOffset] of this.#open) if (firstOffset >= end) this.#open.delete(transaction)
    this.#surroundings.led()
  }

  /** A clean election: another broker leads, in a new epoch, and nothing is lost. Also how a leader comes back that was lost. */
  elect(leaderId: number): void {
    this.#leaderId = leaderId
    this.#epochs.push({ epoch: this.leaderEpoch + 1, startOffset: this.#writtenUntil })
    this.#surroundings.led()
  }

  /** Nobody leads the partition until {@link elect}. */
  loseLeader(): void {
    this.#leaderId = undefined
    this.#surroundings.led()
  }

  /** Lets the present leader answer on from what it has now, whatever becomes of the partition elsewhere, until {@link rejoin}. */
  isolate(): void {
    if (this.#leaderId === undefined) return
    const copy = new MemoryPartition(this, { ...this.#surroundings, changed: () => {}, led: () => {} })
    copy.#leaderId = this.#leaderId
    copy.#logStartOffset = this.#logStartOffset
    copy.#logEndOffset = this.#logEndOffset
    copy.#writtenUntil = this.#writtenUntil
    copy.#batches = [...this.#batches]
    copy.#epochs = [...this.#epochs]
    for (const [transaction, firstOffset] of this.#open) copy.#open.set(transaction, firstOffset)
    this.#deposed.set(this.#leaderId, copy)
  }

  /** The brokers that were isolated hear what became of the partition. */
  rejoin(): void {
    this.#deposed.clear()
    this.#surroundings.changed()
  }

  /** What a broker answers from, where it takes itself for the leader. */
  at(broker: number): MemoryPartition | undefined {
    return this.#deposed.get(broker) ?? (broker === this.#leaderId ? this : undefined)
  }

  /** Makes the batch that covers an offset unreadable. */
  damage(offset: number): void {
    this.#replace(offset, (batch) => ({ ...batch, isDamaged: true }))
  }

  /** Removes the record at an offset, as compaction does; its offset stays taken. */
  compact(offset: number): void {
    this.#replace(offset, (batch) => ({ ...batch, records: batch.records.filter((record) => record.offset !== offset) }))
  }

  /** What a leader answers to OffsetForLeaderEpoch. */
  endOf(asked: number): EpochEnd {
    if (asked > this.leaderEpoch) return { asked, epoch: -1, endOffset: -1 }
    const next = this.#epochs.find(({ epoch }) => epoch > asked)
    const known = this.#epochs.findLast(({ epoch }) => epoch <= asked)
    return { asked, epoch: known?.epoch ?? asked, endOffset: next?.startOffset ?? this.#writtenUntil }
  }

  /** The offset of the first record, in the log's order, whose time is at or after `timestamp`; null: none is. */
  offsetAt(timestamp: number): number | null {
    const records = this.#batches.flatMap((batch) => batch.records)
    const found = records.find((record) => record.offset >= this.#logStartOffset && record.timestamp >= timestamp)
    return found !== undefined && found.offset < this.#logEndOffset ? found.offset : null
  }

  /** The whole batches from the one with an offset on, up to `maxBytes`, but at least one; what is not replicated or not decided yet can't be read. */
  read(fromOffset: number, maxBytes: number, isolation: Isolation): MemoryBatch[] {
    const end = isolation === 'read_committed' ? this.lastStableOffset : this.#logEndOffset
    const found: MemoryBatch[] = []
    let bytes = 0
    for (const batch of this.#batches) {
      if (batch.lastOffset < fromOffset) continue
      if (batch.lastOffset >= end || (found.length > 0 && bytes + batch.bytes > maxBytes)) break
      found.push(batch)
      bytes += batch.bytes
    }
    return found
  }

  #write(records: readonly MemoryRecord[], more: Partial<MemoryBatch> & { readonly offsets?: number }): number {
    const { offsets = records.length, transaction, isControl = false } = more
    const baseOffset = this.#writtenUntil
    if (offsets === 0) return baseOffset
    const made = records.map((record, index) => this.#made(record, baseOffset + index))
    const bytes = made.reduce((sum, record) => sum + sizeOf(record), BATCH_BYTES)
    const lastOffset = baseOffset + offsets - 1
    this.#batches.push({ baseOffset, lastOffset, epoch: this.leaderEpoch, records: made, bytes, isControl, transaction, isDamaged: false })
    this.#writtenUntil += offsets
    if (this.#replicates) this.#logEndOffset = this.#writtenUntil
    this.#surroundings.changed()
    return baseOffset
  }

  #made({ key, value, timestamp, headers }: MemoryRecord, offset: number): KafkaRecord {
    const { topic, partition } = this
    return {
      topic,
      partition,
      offset,
      timestamp: timestamp ?? this.#surroundings.now(),
      key: toBuffer(key),
      value: toBuffer(value),
      headers: headers ?? [],
    }
  }

  #replace(offset: number, change: (batch: MemoryBatch) => MemoryBatch): void {
    this.#batches = this.#batches.map((batch) => (batch.baseOffset <= offset && offset <= batch.lastOffset ? change(batch) : batch))
    this.#surroundings.changed()
  }
}

/** A record batch's header. */
const BATCH_BYTES = 61

function cut(batch: MemoryBatch, toOffset: number): MemoryBatch {
  if (batch.lastOffset < toOffset) return batch
  return { ...batch, lastOffset: toOffset - 1, records: batch.records.filter(({ offset }) => offset < toOffset) }
}

function sizeOf({ key, value }: KafkaRecord): number {
  return (key?.length ?? 0) + (value?.length ?? 0)
}

function toBuffer(bytes: string | Buffer | null | undefined): Buffer | null {
  return bytes == null ? null : Buffer.from(bytes)
}
