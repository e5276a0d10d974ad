import { systemClock, type Clock } from '../clock.ts'
import { TidemarkError } from '../errors.ts'
import type { Facts } from '../core/facts.ts'
import type { OffsetRange } from '../core/position.ts'
import type {
  AskOptions,
  BatchAnswer,
  BatchQuestion,
  EpochsAnswer,
  FactsOptions,
  FactsQuestion,
  Log,
  LogReader,
  OutgoingRecord,
  ReaderOptions,
  TimeAnswer,
  TimeQuestion,
  TopicDescription,
} from '../kafka/log.ts'
import { MemoryConnection, type MemoryConnectionOptions } from './memory-connection.ts'
import { MemoryPartition } from './memory-partition.ts'

/** One topic of a {@link MemoryLog}. */
export interface MemoryTopic {
  readonly topicId: string
  readonly partitions: MemoryPartition[]
}

/** What a broker says of a topic. */
export interface TopicView {
  readonly topicId: string
  readonly leaders: ReadonlyArray<{ readonly leaderId: number | undefined; readonly leaderEpoch: number }>
}

interface News {
  readonly at: number
  readonly view: TopicView | undefined
}

/**
 * A cluster in memory, with the contract of the real one, for tests and simulation: what happens to logs happens because the
 * test says so, and time is the clock's. It is a connection to itself; {@link connect} makes others, with networks of their own.
 */
export class MemoryLog implements Log {
  readonly clusterId: string
  /** The numbers of its brokers. */
  readonly brokers: readonly number[]
  /** How long each answer takes, ms, unless a connection has a network that says so. */
  answerMs = 0
  readonly #clock: Clock
  readonly #topics = new Map<string, MemoryTopic>()
  readonly #byId = new Map<string, MemoryTopic>()
  /** What became known of topics, oldest first: a broker may hear of it late. */
  readonly #news = new Map<string, News[]>()
  readonly #lags = new Map<number, number>()
  readonly #down = new Set<number>()
  readonly #own: MemoryConnection
  #topicsMade = 0
  #waiters: (() => void)[] = []

  constructor({ clusterId = 'memory', clock = systemClock, brokers = 1 }: { clusterId?: string; clock?: Clock; brokers?: number } = {}) {
    this.clusterId = clusterId
    this.brokers = Array.from({ length: brokers }, (_, index) => index + 1)
    this.#clock = clock
    this.#own = this.connect()
  }

  /** Another client of the same cluster. */
  connect(options: MemoryConnectionOptions = {}): MemoryConnection {
    return new MemoryConnection(this, { ...options, clock: options.clock ?? this.#clock })
  }

  /** Takes all brokers away, so that questions fail with KAFKA_UNREACHABLE and readers wait, or brings them back. */
  setDown(isDown: boolean): void {
    for (const broker of this.brokers) this.setBrokerDown(broker, isDown)
  }

  /** Takes one broker away, or brings it back. Who leads its partitions stays as it is: elections are the test's. */
  setBrokerDown(broker: number, isDown: boolean): void {
    if (isDown) this.#down.add(broker)
    else this.#down.delete(broker)
    this.#changed()
  }

  /** Whether a broker can be reached. */
  isUp(broker: number): boolean {
    return !this.#down.has(broker)
  }

  /** Lets a broker hear of topics and leaders only after so long, ms. */
  setLag(broker: number, ms: number): void {
    this.#lags.set(broker, ms)
  }

  /** Makes a topic, also in place of one of that name, which its topic ID tells from the old one. */
  createTopic(topic: string, partitions = 1): MemoryTopic {
    this.#forget(topic)
    const topicId = `00000000-0000-0000-0000-${String(++this.#topicsMade).padStart(12, '0')}`
    const made: MemoryTopic = { topicId, partitions: [] }
    this.#topics.set(topic, made)
    this.#byId.set(topicId, made)
    this.addPartitions(topic, partitions)
    return made
  }

  /** Adds partitions to a topic. */
  addPartitions(topic: string, count: number): void {
    const found = this.#topics.get(topic)
    if (found === undefined) throw new TidemarkError('TOPIC_NOT_FOUND', 'there is no such topic', { topic })
    const led = (): void => this.#led(topic)
    const surroundings = { now: () => this.#clock.now(), changed: () => this.#changed(), led }
    for (let left = count; left > 0; left--)
      found.partitions.push(new MemoryPartition({ topic, partition: found.partitions.length }, surroundings))
    this.#led(topic)
  }

  deleteTopic(topic: string): void {
    this.#forget(topic)
    this.#led(topic)
  }

  /** The topic, or undefined where there is none. */
  topic(topic: string): MemoryTopic | undefined {
    return this.#topics.get(topic)
  }

  /** The topic that has this ID, or undefined where it is gone. */
  topicById(topicId: string): MemoryTopic | undefined {
    return this.#byId.get(topicId)
  }

  /**
   * The partition, to be written to or to have things happen to it.
   * @throws TidemarkError TOPIC_NOT_FOUND
   */
  partition(topic: string, partition = 0): MemoryPartition {
    const found = this.#topics.get(topic)?.partitions[partition]
    if (found === undefined) throw new TidemarkError('TOPIC_NOT_FOUND', 'there is no such partition', { topic, partition })
    return found
  }

  /** What a broker has heard of the topics named, or of all. */
  heardBy(broker: number, names?: readonly string[]): Map<string, TopicView | undefined> {
    const until = this.#clock.now() - (this.#lags.get(broker) ?? 0)
    const heard = (topic: string): TopicView | undefined => this.#news.get(topic)?.findLast(({ at }) => at <= until)?.view
    const wanted = names ?? [...this.#news.keys()].filter((topic) => heard(topic) !== undefined).toSorted()
    return new Map(wanted.map((topic) => [topic, heard(topic)]))
  }

  /** Calls back once, when anything happens to the cluster. Returns what takes the call back. */
  onChange(call: () => void): () => void {
    this.#waiters.push(call)
    return () => void (this.#waiters = this.#waiters.filter((one) => one !== call))
  }

  topics(names?: readonly string[], options?: AskOptions): Promise<TopicDescription[]> {
    return this.#own.topics(names, options)
  }

  facts(questions: readonly FactsQuestion[], options?: FactsOptions): Promise<Facts[]> {
    return this.#own.facts(questions, options)
  }

  offsetsAt(questions: readonly TimeQuestion[], options?: AskOptions): Promise<TimeAnswer[]> {
    return this.#own.offsetsAt(questions, options)
  }

  epochs(ranges: readonly OffsetRange[], options?: AskOptions): Promise<EpochsAnswer[]> {
    return this.#own.epochs(ranges, options)
  }

  batches(questions: readonly BatchQuestion[], options?: AskOptions): Promise<BatchAnswer[]> {
    return this.#own.batches(questions, options)
  }

  produce(topic: string, records: readonly OutgoingRecord[]): Promise<void> {
    return this.#own.produce(topic, records)
  }

  reader(options?: ReaderOptions): LogReader {
    return this.#own.reader(options ?? { isolation: 'read_committed', maxBufferedBytes: 32 * 1024 * 1024 })
  }

  async close(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}

  #forget(topic: string): void {
    const found = this.#topics.get(topic)
    if (found !== undefined) this.#byId.delete(found.topicId)
    this.#topics.delete(topic)
  }

  /** A topic came or went, or somebody else leads one of its partitions. */
  #led(topic: string): void {
    const found = this.#topics.get(topic)
    const leaders = found?.partitions.map(({ leaderId, leaderEpoch }) => ({ leaderId, leaderEpoch })) ?? []
    const news = { at: this.#clock.now(), view: found === undefined ? undefined : { topicId: found.topicId, leaders } }
    this.#news.set(topic, [...(this.#news.get(topic) ?? []), news])
    this.#changed()
  }

  #changed(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }
}
