import { keyOf } from '../core/position.ts'
import type { OffsetRange, TopicPartition } from '../core/position.ts'
import { exceeds } from '../core/share.ts'
import { TidemarkError } from '../errors.ts'
import { FETCHES } from './cluster.ts'
import type { Cluster } from './cluster.ts'
import { fetchWith } from './fetch.ts'
import type { FetchPartition, FetchResponse } from './fetch.ts'
import type { Dispute, LogReader, ReaderOptions, Slice, StartAt, Taken, TakeLimits } from './log.ts'
import { Memory } from './memory.ts'
import { errorName } from './protocol.ts'
import { Reading } from './reading.ts'
import { Shelf } from './shelf.ts'

/** How long a broker may wait for records before it answers an empty fetch, ms. */
const LONG_POLL_MS = 500
/** A fetch asks for at least this much of a partition, and at most {@link MAX_PARTITION_BYTES}. */
const MIN_PARTITION_BYTES = 64 * 1024
const MAX_PARTITION_BYTES = 1024 * 1024
/** Two connections to each broker: a long poll for partitions without records holds up no partition that has some. */
const SLOTS = 2
/** Each reader has connections of its own. */
let readers = 0

/** Reads partitions of a cluster ahead, within bounds: at most two fetches under way to each broker. */
export function openReader(cluster: Cluster, options: ReaderOptions): LogReader {
  return new ClusterReader(cluster, options)
}

class ClusterReader implements LogReader {
  readonly #cluster: Cluster
  readonly #options: ReaderOptions
  readonly #readings = new Map<string, Reading>()
  readonly #fetchCall: ReturnType<typeof fetchWith>
  readonly #slots: readonly string[]
  /** Of all partitions: they are read in turn. */
  readonly #shelf = new Shelf()
  readonly #closing = new AbortController()
  /** `node slot` of the fetches under way, with the bytes that their answers may bring. */
  readonly #busy = new Map<string, number>()
  #refreshing = false
  #timer: NodeJS.Timeout | undefined
  #waiters: Array<() => void> = []
  /** Where the next fetch begins its list: brokers fill their answers in the order asked. */
  #turn = 0

  constructor(cluster: Cluster, options: ReaderOptions) {
    this.#cluster = cluster
    this.#options = options
    const memory = new Memory(options.maxBufferedBytes)
    this.#fetchCall = fetchWith((bytes) => memory.piece(bytes, this.#partitionBytes()))
    const reader = ++readers
    this.#slots = Array.from({ length: SLOTS }, (_, slot) => `${FETCHES}-${reader}.${slot}`)
  }

  assign(start: StartAt): void {
    this.#readings.set(keyOf(start), new Reading(start, (bytes) => this.#shelf.put(bytes)))
    this.#pump()
  }

  drop(partition: TopicPartition): void {
    this.#readings.delete(keyOf(partition))
  }

  async take(limits: TakeLimits, signal?: AbortSignal): Promise<Taken> {
    const deadline = Date.now() + limits.maxWaitMs
    for (;;) {
      const disputes = this.#disputes()
      const slices = disputes.length > 0 ? [] : this.#share(limits)
      const left = deadline - Date.now()
      if (slices.length > 0 || disputes.length > 0 || left <= 0 || signal?.aborted === true) return this.#taken(slices, disputes)
      await this.#arrival(left, signal)
    }
  }

  async takeRanges(ranges: readonly OffsetRange[], signal?: AbortSignal): Promise<Taken> {
    const wanted = ranges.map((range) => ({ range, reading: this.#readings.get(keyOf(range)) }))
    for (const { range, reading } of wanted) if (reading !== undefined) reading.requiredUntil = range.untilOffset
    for (;;) {
      const disputes = this.#disputes()
      if (disputes.length > 0 || signal?.aborted === true) return this.#taken([], disputes)
      if (wanted.every(({ range, reading }) => reading === undefined || reading.isStopped || reading.covers(range.untilOffset))) break
      this.#pump()
      await this.#arrival(LONG_POLL_MS, signal)
    }
    const everything = { maxRecords: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY }
    return this.#taken(wanted.flatMap(({ range, reading }) => this.#sliceOf(reading, { ...everything, until: range.untilOffset })))
  }

  logEndOffset(partition: TopicPartition): number | undefined {
    return this.#readings.get(keyOf(partition))?.logEndOffset
  }

  async close(): Promise<void> {
    this.#closing.abort(new TidemarkError('KAFKA_UNREACHABLE', 'the reader was closed'))
    clearTimeout(this.#timer)
    this.#readings.clear()
    for (const slot of this.#slots) this.#cluster.release(slot)
    this.#wake()
  }

  #taken(slices: readonly Slice[], disputes: readonly Dispute[] = []): Taken {
    const now = Date.now()
    const waiting = [...this.#readings.values()].flatMap((reading) => {
      const { topic, partition, trouble: reason = reading.heldUp(now) } = reading
      return reason === undefined ? [] : [{ topic, partition, reason }]
    })
    this.#pump()
    return { slices, disputes: [...disputes, ...this.#disputes()], waiting }
  }

  /** The partitions that are disputed; they are not read any more. */
  #disputes(): Dispute[] {
    const disputes: Dispute[] = []
    for (const [key, { dispute }] of this.#readings) {
      if (dispute === undefined) continue
      disputes.push(dispute)
      this.#readings.delete(key)
    }
    return disputes
  }

  /** Each partition with records gets an equal part; what some leave, the others may take. */
  #share(limits: TakeLimits): Slice[] {
    const { maxRecords, maxBytes, until, skip, halve } = limits
    const untilOf = (reading: Reading): number => until?.get(keyOf(reading)) ?? Number.POSITIVE_INFINITY
    const all = this.#inTurn().filter((reading) => reading.ready(untilOf(reading)) && skip?.has(keyOf(reading)) !== true)
    const ready = halve === true && exceeds(all, limits) ? all.slice(0, Math.ceil(all.length / 2)) : all
    const slices: Slice[] = []
    let records = maxRecords
    let bytes = maxBytes
    for (const [index, reading] of ready.entries()) {
      if (records <= 0 || (bytes <= 0 && slices.length > 0)) break
      const left = ready.length - index
      const part = { maxRecords: Math.ceil(records / left), maxBytes: Math.ceil(bytes / left), until: untilOf(reading) }
      for (const slice of this.#sliceOf(reading, part)) {
        slices.push(slice)
        records -= slice.recordCount
        bytes -= slice.bytes
      }
    }
    return slices
  }

  #sliceOf(reading: Reading | undefined, limits: { maxRecords: number; maxBytes: number; until: number }): Slice[] {
    const slice = reading?.slice(limits)
    return slice === undefined ? [] : [slice]
  }

  #inTurn(): Reading[] {
    const all = [...this.#readings.values()]
    const from = this.#turn++ % Math.max(1, all.length)
    return [...all.slice(from), ...all.slice(0, from)]
  }

  /** Starts every fetch and refresh that can start now. Called whenever something changed. */
  #pump(): void {
    if (this.#closing.signal.aborted) return
    const now = Date.now()
    const open = this.#inTurn().filter(({ inFlight, isStopped, retryAt }) => !inFlight && !isStopped && retryAt <= now)
    const stale = open.filter((reading) => reading.stale)
    if (stale.length > 0) void this.#refresh(stale)
    for (const [nodeId, readings] of this.#byLeader(open)) {
      const slot = this.#slots.find((name) => !this.#busy.has(`${nodeId} ${name}`))
      if (slot !== undefined) void this.#fetch(nodeId, slot, readings)
    }
    this.#retryLater(now)
  }

  /** Those that may be fetched now, by the broker that leads them. */
  #byLeader(open: readonly Reading[]): Map<number, Reading[]> {
    const part = this.#roomLeft() > 0 ? this.#partOf() : 0
    const byNode = new Map<number, Reading[]>()
    for (const reading of open) {
      const hasRoom = reading.heldBytes < part || !reading.covers(reading.requiredUntil)
      const leader = reading.stale || !hasRoom ? undefined : this.#cluster.leaderOf(reading.topic, reading.partition)
      if (leader === undefined) continue
      const readings = byNode.get(leader.nodeId)
      if (readings === undefined) byNode.set(leader.nodeId, [reading])
      else readings.push(reading)
    }
    return byNode
  }

  /** What one partition may buffer. */
  #partOf(): number {
    return Math.max(MIN_PARTITION_BYTES, Math.floor(this.#options.maxBufferedBytes / Math.max(1, this.#readings.size)))
  }

  #roomLeft(): number {
    let used = 0
    for (const bytes of this.#busy.values()) used += bytes
    for (const reading of this.#readings.values()) used += reading.heldBytes
    return this.#options.maxBufferedBytes - used
  }

  async #fetch(nodeId: number, slot: string, readings: readonly Reading[]): Promise<void> {
    const maxBytes = Math.max(MIN_PARTITION_BYTES, this.#roomLeft())
    const busy = `${nodeId} ${slot}`
    const reserved = Math.min(maxBytes, readings.length * this.#partitionBytes())
    this.#busy.set(busy, reserved)
    for (const reading of readings) reading.inFlight = true
    try {
      const request = {
        isolation: this.#options.isolation,
        maxWaitMs: LONG_POLL_MS,
        maxBytes: reserved,
        partitions: readings.map((reading) => this.#ask(reading)),
      }
      this.#accept(readings, await this.#cluster.send(nodeId, this.#fetchCall, [request], { purpose: slot, signal: this.#closing.signal }))
    } catch (error) {
      for (const reading of readings) reading.failed(error instanceof Error ? error.message : String(error), Date.now())
    } finally {
      this.#busy.delete(busy)
      for (const reading of readings) reading.inFlight = false
      this.#pump()
      this.#wake()
    }
  }

  #partitionBytes(): number {
    return Math.min(MAX_PARTITION_BYTES, this.#partOf())
  }

  #ask({ topic, partition, topicId, fetchOffset, fetchedEpoch }: Reading): FetchPartition {
    const leaderEpoch = this.#cluster.leaderOf(topic, partition)?.epoch ?? -1
    return { topicId, partition, leaderEpoch, offset: fetchOffset, lastFetchedEpoch: fetchedEpoch, maxBytes: this.#partitionBytes() }
  }

  #accept(readings: readonly Reading[], response: FetchResponse): void {
    const now = Date.now()
    if (response.errorCode !== 0) {
      for (const reading of readings) reading.failed(errorName(response.errorCode), now)
      return
    }
    const asked = new Map(readings.map((reading) => [`${reading.topicId} ${reading.partition}`, reading]))
    for (const fetched of response.partitions)
      asked.get(`${fetched.topicId} ${fetched.partition}`)?.accept(fetched, this.#options.isolation, now)
  }

  /** Hears anew of the leaders of these partitions; a topic that is gone, or is another one now, is disputed. */
  async #refresh(readings: readonly Reading[]): Promise<void> {
    if (this.#refreshing) return
    this.#refreshing = true
    try {
      await this.#cluster.refresh([...new Set(readings.map(({ topic }) => topic))])
      for (const reading of readings) this.#route(reading)
    } catch (error) {
      for (const reading of readings) reading.failed(error instanceof Error ? error.message : String(error), Date.now())
    } finally {
      this.#refreshing = false
      this.#pump()
      this.#wake()
    }
  }

  #route(reading: Reading): void {
    const { topic, partition } = reading
    const heard = this.#cluster.topicOf(topic)
    const leader = this.#cluster.leaderOf(topic, partition)
    if (heard?.error === 'UNKNOWN_TOPIC_OR_PARTITION') reading.disputed(heard.error, `the cluster has no topic ${topic}`)
    else if (heard?.error === 'NONE' && heard.topicId !== reading.topicId)
      reading.disputed('TOPIC_ID_CHANGED', `the topic ID is ${heard.topicId} now`)
    else if (heard?.error === 'NONE' && !heard.partitions.has(partition))
      reading.disputed('UNKNOWN_TOPIC_OR_PARTITION', `the topic has no partition ${partition}`)
    else if (leader === undefined) reading.failed(heard === undefined || heard.error === 'NONE' ? 'NO_LEADER' : heard.error, Date.now())
    else reading.stale = false
  }

  #retryLater(now: number): void {
    clearTimeout(this.#timer)
    const times = [...this.#readings.values()].map(({ retryAt }) => retryAt).filter((at) => at > now)
    if (times.length > 0) this.#timer = setTimeout(() => this.#pump(), Math.min(...times) - now + 1)
  }

  /** Resolves when something arrived, after `ms`, or when the signal is aborted. */
  async #arrival(ms: number, signal?: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const wake = (): void => resolve()
    const timer = setTimeout(wake, ms)
    signal?.addEventListener('abort', wake, { once: true })
    this.#waiters.push(wake)
    await promise
    clearTimeout(timer)
    signal?.removeEventListener('abort', wake)
  }

  #wake(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }
}
