import { keyOf, type OffsetRange, type TopicPartition } from '../core/position.ts'
import { exceeds } from '../core/share.ts'
import type { Dispute, LogReader, ReaderOptions, Slice, StartAt, Taken, TakeLimits } from '../kafka/log.ts'
import type { MemoryConnection } from './memory-connection.ts'
import { fetchAt, type Fetched, type FetchQuestion } from './memory-fetch.ts'
import type { MemoryLog, TopicView } from './memory-log.ts'
import { MemoryReading } from './memory-reading.ts'

/** How long a broker may wait for records before it answers an empty fetch, ms. */
const LONG_POLL_MS = 500
/** How long a fetch may take, ms. */
const TIMEOUT_MS = 10_000
/** Why a wait is over; one that is given none makes an error each time. */
const WOKEN = 'woken'
/** Two connections to each broker: a long poll for partitions without records holds up no partition that has some. */
const SLOTS = 2

/** Reads a {@link MemoryLog} ahead, as src/kafka/reader.ts reads a cluster: what is buffered may be of a log that is another one by now. */
export class MemoryReader implements LogReader {
  readonly #log: MemoryLog
  readonly #connection: MemoryConnection
  readonly #options: ReaderOptions
  readonly #readings = new Map<string, MemoryReading>()
  /** Leaders as last heard. */
  readonly #topics = new Map<string, TopicView | undefined>()
  /** Fetches under way, by broker. */
  readonly #busy = new Map<number, number>()
  /** The bytes that their answers may bring. */
  #reserved = 0
  #isRefreshing = false
  #retryAt = Number.POSITIVE_INFINITY
  #waiters: (() => void)[] = []
  #turn = 0
  #isClosed = false

  constructor(log: MemoryLog, connection: MemoryConnection, options: ReaderOptions) {
    this.#log = log
    this.#connection = connection
    this.#options = options
  }

  /** What is fetched and not handed out yet. */
  get bufferedBytes(): number {
    return [...this.#readings.values()].reduce((sum, reading) => sum + reading.bufferedBytes, 0)
  }

  assign(start: StartAt): void {
    this.#readings.set(keyOf(start), new MemoryReading(start))
    this.#pump()
  }

  drop(partition: TopicPartition): void {
    this.#readings.delete(keyOf(partition))
  }

  async take(limits: TakeLimits, signal?: AbortSignal): Promise<Taken> {
    const deadline = this.#now() + limits.maxWaitMs
    for (;;) {
      const disputes = this.#disputes()
      const slices = disputes.length > 0 ? [] : this.#share(limits)
      const left = deadline - this.#now()
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
    const slices = wanted.flatMap(({ range, reading }) => reading?.slice({ ...everything, until: range.untilOffset }) ?? [])
    return this.#taken(slices, [])
  }

  logEndOffset(partition: TopicPartition): number | undefined {
    return this.#readings.get(keyOf(partition))?.logEndOffset
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#readings.clear()
    this.#wake()
  }

  #now(): number {
    return this.#connection.clock.now()
  }

  #taken(slices: readonly Slice[], disputes: readonly Dispute[]): Taken {
    const waiting = [...this.#readings.values()].flatMap(({ topic, partition, trouble }) =>
      trouble === undefined ? [] : [{ topic, partition, reason: trouble }],
    )
    this.#pump()
    return { slices, disputes: [...disputes, ...this.#disputes()], waiting }
  }

  /** The partitions that are disputed; they are not read any more. */
  #disputes(): Dispute[] {
    const disputed = [...this.#readings].filter(([, { dispute }]) => dispute !== undefined)
    for (const [key] of disputed) this.#readings.delete(key)
    return disputed.map(([, { dispute }]) => dispute as Dispute)
  }

  /** Each partition with records gets an equal part; what some leave, the others may take. */
  #share(limits: TakeLimits): Slice[] {
    const { maxRecords, maxBytes, until, skip, halve } = limits
    const untilOf = (reading: MemoryReading): number => until?.get(keyOf(reading)) ?? Number.POSITIVE_INFINITY
    const all = this.#inTurn().filter((reading) => reading.ready(untilOf(reading)) && skip?.has(keyOf(reading)) !== true)
    const ready = halve === true && exceeds(all, limits) ? all.slice(0, Math.ceil(all.length / 2)) : all
    const slices: Slice[] = []
    let [records, bytes] = [maxRecords, maxBytes]
    for (const [index, reading] of ready.entries()) {
      if (records <= 0 || (bytes <= 0 && slices.length > 0)) break
      const left = ready.length - index
      const slice = reading.slice({ maxRecords: Math.ceil(records / left), maxBytes: Math.ceil(bytes / left), until: untilOf(reading) })
      if (slice === undefined) continue
      slices.push(slice)
      records -= slice.recordCount
      bytes -= slice.bytes
    }
    return slices
  }

  #inTurn(): MemoryReading[] {
    const all = [...this.#readings.values()]
    const from = this.#turn++ % Math.max(1, all.length)
    return [...all.slice(from), ...all.slice(0, from)]
  }

  /** Starts every fetch and refresh that can start now. Called whenever something changed. */
  #pump(): void {
    if (this.#isClosed) return
    const now = this.#now()
    const open = this.#inTurn().filter(({ isInFlight, isStopped, retryAt }) => !isInFlight && !isStopped && retryAt <= now)
    const stale = open.filter(({ isStale }) => isStale)
    if (stale.length > 0 && !this.#isRefreshing) void this.#refresh(stale)
    const byBroker = Map.groupBy(
      open.filter((reading) => !reading.isStale && this.#hasRoom(reading)),
      (reading) => this.#leaderOf(reading)?.leaderId ?? 0,
    )
    byBroker.delete(0)
    for (const [broker, readings] of byBroker) if ((this.#busy.get(broker) ?? 0) < SLOTS) void this.#fetch(broker, readings)
    this.#retryLater(now)
  }

  #hasRoom(reading: MemoryReading): boolean {
    if (!reading.covers(reading.requiredUntil)) return true
    return reading.bufferedBytes < this.#part() && this.#roomLeft() > 0
  }

  /** What one partition may buffer. */
  #part(): number {
    return Math.ceil(this.#options.maxBufferedBytes / Math.max(1, this.#readings.size))
  }

  #roomLeft(): number {
    return this.#options.maxBufferedBytes - this.bufferedBytes - this.#reserved
  }

  async #fetch(broker: number, readings: readonly MemoryReading[]): Promise<void> {
    this.#busy.set(broker, (this.#busy.get(broker) ?? 0) + 1)
    for (const reading of readings) reading.isInFlight = true
    const maxBytes = Math.max(1, Math.min(this.#part(), Math.floor(this.#roomLeft() / readings.length)))
    const reserved = maxBytes * readings.length
    this.#reserved += reserved
    const questions = readings.map((reading) => this.#ask(reading, maxBytes))
    try {
      const answers = await this.#connection.send(broker, { api: 'Fetch', timeoutMs: TIMEOUT_MS }, () => this.#serve(broker, questions))
      const now = this.#now()
      for (const [index, reading] of readings.entries()) reading.accept(answers[index] as Fetched, this.#options.isolation, now)
    } catch (error) {
      for (const reading of readings) reading.failed(error instanceof Error ? error.message : String(error), this.#now())
    }
    this.#busy.set(broker, (this.#busy.get(broker) ?? 1) - 1)
    this.#reserved -= reserved
    for (const reading of readings) reading.isInFlight = false
    this.#pump()
    this.#wake()
  }

  #ask(reading: MemoryReading, maxBytes: number): FetchQuestion {
    const { topicId, partition, fetchOffset, fetchedEpoch } = reading
    const leaderEpoch = this.#leaderOf(reading)?.leaderEpoch
    return { topicId, partition, leaderEpoch, offset: fetchOffset, lastFetchedEpoch: fetchedEpoch, maxBytes }
  }

  /** The broker's side: answers as soon as there is something to say, or when the long poll is over. */
  async #serve(broker: number, questions: readonly FetchQuestion[]): Promise<Fetched[]> {
    const deadline = this.#now() + LONG_POLL_MS
    for (;;) {
      const answers = questions.map((question) => fetchAt(this.#log, broker, this.#options.isolation, question))
      const left = deadline - this.#now()
      if (left <= 0 || answers.some((answer) => answer.state !== 'read' || answer.batches.length > 0)) return answers
      await this.#until(left, (wake) => this.#log.onChange(wake))
    }
  }

  #leaderOf({ topic, partition }: TopicPartition): TopicView['leaders'][number] | undefined {
    return this.#topics.get(topic)?.leaders[partition]
  }

  /** Hears anew of the leaders of these partitions; a topic that is gone, or is another one now, is disputed. */
  async #refresh(readings: readonly MemoryReading[]): Promise<void> {
    this.#isRefreshing = true
    try {
      const names = [...new Set(readings.map(({ topic }) => topic))]
      for (const [topic, view] of await this.#connection.metadata(names, { elsewhere: true })) this.#topics.set(topic, view)
      for (const reading of readings) this.#route(reading)
    } catch (error) {
      for (const reading of readings) reading.failed(error instanceof Error ? error.message : String(error), this.#now())
    }
    this.#isRefreshing = false
    this.#pump()
    this.#wake()
  }

  #route(reading: MemoryReading): void {
    const { topic, partition, topicId } = reading
    const heard = this.#topics.get(topic)
    const leader = heard?.leaders[partition]
    if (heard === undefined) reading.disputed('UNKNOWN_TOPIC_OR_PARTITION', `the cluster has no topic ${topic}`)
    else if (heard.topicId !== topicId) reading.disputed('TOPIC_ID_CHANGED', `the topic ID is ${heard.topicId} now`)
    else if (leader === undefined) reading.disputed('UNKNOWN_TOPIC_OR_PARTITION', `the topic has no partition ${partition}`)
    else if (leader.leaderId === undefined) reading.failed('NO_LEADER', this.#now())
    else reading.isStale = false
  }

  /** Looks again when the first of those may be fetched that failed. */
  #retryLater(now: number): void {
    const next = Math.min(...[...this.#readings.values()].map(({ retryAt }) => retryAt).filter((at) => at > now))
    if (next >= this.#retryAt) return
    this.#retryAt = next
    void this.#connection.clock.sleep(next - now).then(() => {
      this.#retryAt = Number.POSITIVE_INFINITY
      this.#pump()
    })
  }

  /** Resolves when something arrived, after `ms`, or when the signal is aborted. */
  #arrival(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#until(ms, (wake) => {
      this.#waiters.push(wake)
      signal?.addEventListener('abort', wake, { once: true })
      return () => signal?.removeEventListener('abort', wake)
    })
  }

  /** Resolves when `listen` is called back, or after `ms`. */
  async #until(ms: number, listen: (wake: () => void) => () => void): Promise<void> {
    const over = new AbortController()
    const deaf = listen(() => over.abort(WOKEN))
    await this.#connection.clock.sleep(ms, over.signal)
    deaf()
  }

  #wake(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }
}
