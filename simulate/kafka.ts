import { keyOf, type TopicPartition } from '../src/core/position.ts'
import type { MemoryPartition, MemoryTransaction } from '../src/testing/memory-partition.ts'
import { MemoryLog } from '../src/testing/memory-log.ts'
import type { Span } from './witness.ts'
import type { ManualClock } from '../src/testing/manual-clock.ts'

/** One record that was ever written, and what became of it. */
export interface Produced {
  readonly id: number
  readonly topicId: string
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /**
   * `kept`: in the log, or removed from its start; `open`: of a transaction under way; `aborted` and `compacted`: nobody is to read it;
   * `cut`: gone with an unclean election; `deleted`: gone with its topic.
   */
  fate: 'kept' | 'open' | 'aborted' | 'compacted' | 'cut' | 'deleted'
  /** How often a handler that was given it succeeded. */
  handled: number
  /** Its offset was another one's before, which was cut off. */
  readonly isSecond: boolean
  /** The first offset of the damaged batch that it is in, if it is in one. */
  damagedBatch?: number
}

interface OpenTransaction {
  readonly partition: MemoryPartition
  readonly transaction: MemoryTransaction
  readonly records: Produced[]
}

/** The cluster of a simulation, and the truth about it: whatever happens to a log happens through here. */
export class Kafka {
  readonly log: MemoryLog
  /** By their IDs. */
  readonly records: Produced[] = []
  readonly #places = new Map<string, Produced[]>()
  readonly #disturbances = new Map<string, number>()
  /** How far each log ever went, by topic ID and partition. */
  readonly #reached = new Map<string, number>()
  /** How far down each was ever cut. */
  readonly #lowestCuts = new Map<string, number>()
  #open: OpenTransaction[] = []

  constructor(clock: ManualClock, clusterId: string) {
    this.log = new MemoryLog({ clusterId, clock, brokers: 3 })
  }

  /** Makes a topic, or makes it anew. */
  createTopic(topic: string, partitions: number): void {
    this.deleteTopic(topic)
    this.log.createTopic(topic, partitions)
    for (const partition of this.partitionsOf(topic)) partition.elect(1 + (partition.partition % 3))
  }

  deleteTopic(topic: string): void {
    const found = this.log.topic(topic)
    if (found === undefined) return
    for (const record of this.records) if (record.topicId === found.topicId && record.fate !== 'aborted') record.fate = 'deleted'
    for (const partition of found.partitions) this.#disturb(partition)
    this.#open = this.#open.filter((one) => one.partition.topic !== topic)
    this.log.deleteTopic(topic)
  }

  partitionsOf(topic: string): readonly MemoryPartition[] {
    return this.log.topic(topic)?.partitions ?? []
  }

  topicIdOf(topic: string): string | undefined {
    return this.log.topic(topic)?.topicId
  }

  /** Writes a batch of records; as part of a transaction that stays open, where that is wanted. */
  produce(partition: MemoryPartition, count: number, isOpen = false): void {
    if (count === 0) return
    const topicId = this.topicIdOf(partition.topic) as string
    const first = this.records.length
    const reached = this.#reached.get(`${topicId} ${partition.partition}`) ?? 0
    const values = Array.from({ length: count }, (_, index) => ({ value: String(first + index) }))
    const transaction = isOpen ? partition.begin() : undefined
    const offset = transaction === undefined ? partition.append(...values) : partition.appendIn(transaction, ...values)
    const { topic, partition: number } = partition
    const made = values.map((_, index): Produced => ({
      id: first + index,
      topicId,
      topic,
      partition: number,
      offset: offset + index,
      fate: isOpen ? 'open' : 'kept',
      handled: 0,
      isSecond: offset + index < reached,
    }))
    this.records.push(...made)
    for (const record of made) this.at(topicId, number, record.offset).push(record)
    if (transaction !== undefined) this.#open.push({ partition, transaction, records: made })
  }

  /** Ends the oldest transaction that is open. False where none is. */
  endTransaction(state: 'committed' | 'aborted'): boolean {
    const open = this.#open.shift()
    if (open === undefined) return false
    for (const record of open.records) if (record.fate === 'open') record.fate = state === 'committed' ? 'kept' : 'aborted'
    open.partition.end(open.transaction, state)
    return true
  }

  /** An unclean election: what is at or above an offset is lost. */
  cut(partition: MemoryPartition, toOffset: number, leaderId: number): void {
    const topicId = this.topicIdOf(partition.topic)
    for (const record of this.records) {
      if (record.topicId !== topicId || record.partition !== partition.partition || record.offset < toOffset) continue
      if (record.fate === 'kept' || record.fate === 'open') record.fate = 'cut'
    }
    // A transaction that lost its beginning with the log is over; one that lost its end only is ended later.
    this.#open = this.#open.filter((one) => one.partition !== partition || (one.records[0]?.offset ?? 0) < toOffset)
    this.#disturb(partition)
    const key = `${topicId} ${partition.partition}`
    this.#reached.set(key, Math.max(this.#reached.get(key) ?? 0, partition.writtenUntil))
    this.#lowestCuts.set(key, Math.min(this.lowestCut(topicId ?? '', partition.partition), toOffset))
    partition.truncate(toOffset, leaderId)
  }

  expire(partition: MemoryPartition, beforeOffset: number): void {
    this.#disturb(partition)
    partition.expire(beforeOffset)
  }

  compact(partition: MemoryPartition, offset: number): void {
    const topicId = this.topicIdOf(partition.topic) as string
    for (const record of this.at(topicId, partition.partition, offset)) if (record.fate === 'kept') record.fate = 'compacted'
    partition.compact(offset)
  }

  damage(partition: MemoryPartition, offset: number): void {
    this.#disturb(partition)
    partition.damage(offset)
    const batch = partition.batches.find(({ baseOffset, lastOffset }) => baseOffset <= offset && offset <= lastOffset)
    const topicId = this.topicIdOf(partition.topic) as string
    for (const { offset: at } of batch?.records ?? []) {
      for (const record of this.at(topicId, partition.partition, at)) record.damagedBatch = batch?.baseOffset ?? at
    }
  }

  /** All records that ever were at an offset of one topic's partition: elections may have put one in another's place. */
  at(topicId: string, partition: number, offset: number): Produced[] {
    const key = `${topicId} ${partition} ${offset}`
    const found = this.#places.get(key) ?? []
    if (found.length === 0) this.#places.set(key, found)
    return found
  }

  /** The lowest offset that a partition of a topic was ever cut at. */
  lowestCut(topicId: string, partition: number): number {
    return this.#lowestCuts.get(`${topicId} ${partition}`) ?? Number.POSITIVE_INFINITY
  }

  /** Where a partition's log begins and ends now. */
  spanOf({ topic, partition }: TopicPartition): Span {
    const found = this.partitionsOf(topic)[partition]
    return { topicId: found && this.topicIdOf(topic), mostStart: found?.logStartOffset ?? 0, leastEnd: found?.logEndOffset ?? 0 }
  }

  /** Whether some of a range can't be read any more. */
  isDamaged({ topic, partition }: TopicPartition, { fromOffset, untilOffset }: { fromOffset: number; untilOffset: number }): boolean {
    const batches = this.partitionsOf(topic)[partition]?.batches ?? []
    return batches.some((batch) => batch.isDamaged && batch.baseOffset < untilOffset && batch.lastOffset >= fromOffset)
  }

  /** How often something was done to a partition's log other than writing at its end. */
  disturbances(partition: TopicPartition): number {
    return this.#disturbances.get(keyOf(partition)) ?? 0
  }

  #disturb(partition: MemoryPartition): void {
    this.#disturbances.set(keyOf(partition), this.disturbances(partition) + 1)
  }
}
