import type { Clock } from '../clock.ts'
import type { AbsentFacts, EpochEnd, Facts, UnknownFacts } from '../core/facts.ts'
import type { OffsetRange, TopicPartition } from '../core/position.ts'
import { TidemarkError } from '../errors.ts'
import type {
  AskOptions,
  BatchAnswer,
  BatchQuestion,
  EpochsAnswer,
  FactsOptions,
  FactsQuestion,
  Log,
  LogBatch,
  LogReader,
  OutgoingRecord,
  ReaderOptions,
  TimeAnswer,
  TimeQuestion,
  TopicDescription,
} from '../kafka/log.ts'
import { epochsIn, olderEpoch } from '../kafka/history.ts'
import { nextEpoch } from '../kafka/walk.ts'
import { batchAt } from './memory-batch.ts'
import { leaderError } from './memory-fetch.ts'
import type { MemoryLog, TopicView } from './memory-log.ts'
import type { MemoryPartition } from './memory-partition.ts'
import { MemoryReader } from './memory-reader.ts'

/** What becomes of one request: how long it travels, and its answer; `refused`: the broker is not reached; `unanswered`: it does what it was asked to, and its answer never comes. */
export interface Trip {
  readonly thereMs: number
  readonly backMs: number
  readonly outcome?: 'answered' | 'refused' | 'unanswered' | undefined
}

/** Decides what becomes of each request. */
export type Network = (request: { readonly api: string; readonly broker: number }) => Trip

/** How to connect to a {@link MemoryLog}. */
export interface MemoryConnectionOptions {
  /** What this connection waits by. Default: the log's clock. */
  readonly clock?: Clock | undefined
  /** Default: every answer comes at once, or as the log's `answerMs` says. */
  readonly network?: Network | undefined
  /** How long one question may take in all, ms. Default 30,000. */
  readonly timeoutMs?: number | undefined
}

/** One request: what Kafka calls it, how long it may take, and what gives it up. */
export interface RequestOptions extends AskOptions {
  readonly api: string
  readonly timeoutMs: number
}

/** A partition at its leader, as a broker's metadata has it. */
interface Stop extends TopicPartition {
  readonly state: 'stop'
  readonly topicId: string
  readonly leaderId: number
  readonly leaderEpoch: number
}

interface Visit<Item, Value> {
  readonly item: Item
  place: Stop | AbsentFacts | UnknownFacts
  answer: { readonly value: Value } | { readonly failure: string } | undefined
}

/** What a leader answers of one partition, or Kafka's name of an error. */
type Ask<Item, Value> = (leader: MemoryPartition, item: Item) => Value | string

/** How soon a question is repeated whose answer may be due to old metadata, ms. */
const BACKOFF_MS = 100

/** Answers by which a broker says that our metadata is old, or its own. */
const STALE = new Set([
  'NOT_LEADER_OR_FOLLOWER',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'UNREACHABLE',
])

/**
 * One client's view of a {@link MemoryLog}: it asks brokers, each question in the requests and the order that src/kafka
 * sends, so that whatever can happen to a real cluster between two of them can happen here.
 */
export class MemoryConnection implements Log {
  readonly clock: Clock
  readonly #log: MemoryLog
  readonly #network: Network
  readonly #timeoutMs: number
  /** The broker that answered for metadata last. */
  #informant = 0
  #closed = false

  constructor(log: MemoryLog, { clock, network, timeoutMs = 30_000 }: MemoryConnectionOptions & { readonly clock: Clock }) {
    this.#log = log
    this.clock = clock
    this.#network = network ?? (() => ({ thereMs: log.answerMs, backMs: 0 }))
    this.#timeoutMs = timeoutMs
  }

  async topics(names?: readonly string[], options?: AskOptions): Promise<TopicDescription[]> {
    if (names?.length === 0) return []
    const heard = await this.metadata(names, options)
    const { clusterId } = this.#log
    return [...heard].map(([topic, view]) => {
      if (view === undefined) return { state: 'absent', topic, clusterId }
      return { state: 'known', topic, topicId: view.topicId, clusterId, partitions: [...view.leaders.keys()] }
    })
  }

  async facts(questions: readonly FactsQuestion[], options: FactsOptions = {}): Promise<Facts[]> {
    if (questions.length === 0) return []
    const visits = await this.#visit(questions, [offsetsBelow, offsetsAbove], options)
    return visits.map((visit): Facts => {
      const outcome = this.#outcome(visit)
      if (outcome.state !== 'reached') return outcome
      const { topic, partition, topicId, leaderId, leaderEpoch } = outcome.stop
      const [below, above] = outcome.value as [ReturnType<typeof offsetsBelow>, Exclude<ReturnType<typeof offsetsAbove>, string>]
      const lastStableOffset = options.lastStableOffset === true ? below.lastStableOffset : undefined
      const { logStartOffset } = below
      const known = { state: 'known', topic, partition, clusterId: this.#log.clusterId, topicId, leaderId, leaderEpoch } as const
      return { ...known, logStartOffset, ...above, ...(lastStableOffset === undefined ? {} : { lastStableOffset }) }
    })
  }

  async offsetsAt(questions: readonly TimeQuestion[], options: AskOptions = {}): Promise<TimeAnswer[]> {
    if (questions.length === 0) return []
    const visits = await this.#visit(questions, [offsetAtTime], options)
    return visits.map((visit): TimeAnswer => {
      const { topic, partition } = visit.item
      const outcome = this.#outcome(visit)
      if (outcome.state === 'reached')
        return { state: 'known', topic, partition, offset: (outcome.value[0] as { offset: number | null }).offset }
      return { state: 'unknown', topic, partition, reason: outcome.state === 'absent' ? 'UNKNOWN_TOPIC_OR_PARTITION' : outcome.reason }
    })
  }

  async epochs(ranges: readonly OffsetRange[], options: AskOptions = {}): Promise<EpochsAnswer[]> {
    if (ranges.length === 0) return []
    const visits = await this.#visit(ranges, [epochsOfRange], options)
    return visits.map((visit): EpochsAnswer => {
      const { topic, partition } = visit.item
      const outcome = this.#outcome(visit)
      if (outcome.state !== 'reached')
        return { state: 'unknown', topic, partition, reason: outcome.state === 'absent' ? 'UNKNOWN_TOPIC_OR_PARTITION' : outcome.reason }
      return { state: 'known', topic, partition, topicId: outcome.stop.topicId, ...(outcome.value[0] as ReturnType<typeof epochsIn>) }
    })
  }

  async batches(questions: readonly BatchQuestion[], options: AskOptions = {}): Promise<BatchAnswer[]> {
    if (questions.length === 0) return []
    const visits = await this.#visit(questions, [batchAt], options)
    return visits.map((visit): BatchAnswer => {
      const { topic, partition } = visit.item
      const outcome = this.#outcome(visit)
      if (outcome.state === 'reached')
        return { state: 'known', topic, partition, topicId: outcome.stop.topicId, ...(outcome.value[0] as { batch: LogBatch | null }) }
      if (outcome.state === 'unknown') return outcome
      return { state: 'unknown', topic, partition, reason: 'UNKNOWN_TOPIC_OR_PARTITION', detail: 'it does not exist' }
    })
  }

  async produce(topic: string, records: readonly OutgoingRecord[]): Promise<void> {
    const view = (await this.metadata([topic])).get(topic)
    if (view === undefined)
      throw new TidemarkError('TOPIC_NOT_FOUND', 'there is no such topic to write to', {
        topic,
        hint: 'Create it first: Tidemark creates no topics',
      })
    for (const record of records) {
      const partition = record.partition % view.leaders.length
      const leader = view.leaders[partition]
      if (leader?.leaderId === undefined)
        throw new TidemarkError('KAFKA_UNREACHABLE', 'the partition to write to has no leader', { topic, partition })
      await this.send(leader.leaderId, { api: 'Produce', timeoutMs: this.#timeoutMs / 3 }, () => {
        const found = this.#log.topic(topic)?.partitions[partition]
        if (found === undefined || found.leaderId !== leader.leaderId)
          throw new TidemarkError('KAFKA_UNREACHABLE', 'the records could not be written: NOT_LEADER_OR_FOLLOWER', { topic, partition })
        found.append(record)
      })
    }
  }

  reader(options: ReaderOptions): LogReader {
    return new MemoryReader(this.#log, this, options)
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
  }

  /** What a broker says of topics: the one that answered last, or another one. @throws TidemarkError KAFKA_UNREACHABLE where none answers */
  async metadata(names?: readonly string[], { elsewhere = false, signal }: FactsOptions = {}): Promise<Map<string, TopicView | undefined>> {
    const { brokers } = this.#log
    const first = this.#informant + (elsewhere ? 1 : 0)
    const patience = Math.min(2_000, this.#timeoutMs / 3 / (brokers.length + 1))
    let failure: unknown
    for (let turn = 0; turn < brokers.length; turn++) {
      const at = (first + turn) % brokers.length
      const broker = brokers[at] as number
      try {
        const heard = await this.send(broker, { api: 'Metadata', timeoutMs: patience, signal }, () => this.#log.heardBy(broker, names))
        this.#informant = at
        return heard
      } catch (error) {
        signal?.throwIfAborted()
        failure = error
      }
    }
    throw failure
  }

  /** Sends one request to one broker. @throws TidemarkError KAFKA_UNREACHABLE where no answer comes in time; the signal's reason; and whatever `answer` throws */
  async send<T>(broker: number, { api, timeoutMs, signal }: RequestOptions, answer: () => T | Promise<T>): Promise<T> {
    if (this.#closed) throw new TidemarkError('USAGE', 'the connection to Kafka was closed')
    const { thereMs, backMs, outcome = 'answered' } = this.#network({ api, broker })
    if (thereMs > 0) await this.clock.sleep(Math.min(thereMs, timeoutMs), signal)
    signal?.throwIfAborted()
    if (outcome === 'refused' || !this.#log.isUp(broker)) throw unreachable(broker, 'connection refused')
    const isLate = outcome === 'unanswered' || thereMs + backMs > timeoutMs
    const answered = await answer()
    const rest = isLate ? timeoutMs - thereMs : backMs
    if (rest > 0) await this.clock.sleep(rest, signal)
    signal?.throwIfAborted()
    if (isLate) throw unreachable(broker, LATE)
    return answered
  }

  /** Asks the leaders of partitions, each in as many requests as there are asks, between two looks at the metadata. */
  async #visit<Item extends TopicPartition>(
    items: readonly Item[],
    asks: readonly Ask<Item, unknown>[],
    options: FactsOptions,
  ): Promise<Visit<Item, unknown[]>[]> {
    const before = await this.metadata(topicsOf(items), options)
    const visits = items.map((item): Visit<Item, unknown[]> => ({ item, place: this.#locate(before, item), answer: undefined }))
    await this.#askLeaders(visits, asks, options)
    await this.#askStale(visits, asks, options)
    const answered = visits.filter(({ answer }) => answer !== undefined && 'value' in answer)
    const after =
      answered.length === 0 ? before : await this.metadata(topicsOf(answered.map(({ item }) => item)), { signal: options.signal })
    for (const visit of answered) this.#assertSame(visit, after)
    return visits
  }

  #locate(heard: ReadonlyMap<string, TopicView | undefined>, { topic, partition }: TopicPartition): Stop | AbsentFacts | UnknownFacts {
    const { clusterId } = this.#log
    const view = heard.get(topic)
    if (view === undefined) return { state: 'absent', topic, partition, clusterId }
    const { topicId, leaders } = view
    const leader = leaders[partition]
    if (leader === undefined) return { state: 'absent', topic, partition, clusterId, partitionCount: leaders.length, topicId }
    const { leaderId, leaderEpoch } = leader
    if (leaderId === undefined) return this.#unknown({ topic, partition }, 'NO_LEADER', 'no broker leads the partition now')
    return { state: 'stop', topic, partition, topicId, leaderId, leaderEpoch }
  }

  async #askLeaders<Item extends TopicPartition>(
    visits: readonly Visit<Item, unknown[]>[],
    asks: readonly Ask<Item, unknown>[],
    options: AskOptions,
  ): Promise<void> {
    const byLeader = Map.groupBy(visits, ({ place }) => (place.state === 'stop' ? place.leaderId : -1))
    byLeader.delete(-1)
    await Promise.all([...byLeader].map(([leaderId, group]) => this.#askLeader(leaderId, group, asks, options)))
  }

  /** One request after the other, as a broker serves those of one connection. */
  async #askLeader<Item extends TopicPartition>(
    leaderId: number,
    visits: readonly Visit<Item, unknown[]>[],
    asks: readonly Ask<Item, unknown>[],
    { signal }: AskOptions,
  ): Promise<void> {
    const values = visits.map((): unknown[] => [])
    const failures = new Map<number, string>()
    try {
      for (const ask of asks)
        await this.send(leaderId, { api: 'ListOffsets', timeoutMs: this.#timeoutMs / 3, signal }, () => {
          for (const [index, { item, place }] of visits.entries()) {
            const answer = this.#answerOf(leaderId, place as Stop, (leader) => ask(leader, item))
            if (typeof answer === 'string') failures.set(index, answer)
            else values[index]?.push(answer)
          }
        })
    } catch (error) {
      signal?.throwIfAborted()
      const failure = error instanceof TidemarkError && error.what.endsWith(LATE) ? 'TIMED_OUT' : 'UNREACHABLE'
      for (const visit of visits) visit.answer = { failure }
      return
    }
    for (const [index, visit] of visits.entries()) {
      const failure = failures.get(index)
      visit.answer = failure === undefined ? { value: values[index] as unknown[] } : { failure }
    }
  }

  /** A leader goes by topic name, as ListOffsets and OffsetForLeaderEpoch do. */
  #answerOf(broker: number, { topic, partition, leaderEpoch }: Stop, ask: (leader: MemoryPartition) => unknown): unknown {
    const found = this.#log.topic(topic)?.partitions[partition]
    if (found === undefined) return 'UNKNOWN_TOPIC_OR_PARTITION'
    const leader = found.at(broker)
    return leaderError(leader, leaderEpoch) ?? ask(leader as MemoryPartition)
  }

  /** Hears once more who leads those partitions whose answer may be due to old metadata, and asks those leaders. */
  async #askStale<Item extends TopicPartition>(
    visits: readonly Visit<Item, unknown[]>[],
    asks: readonly Ask<Item, unknown>[],
    { signal }: FactsOptions,
  ): Promise<void> {
    const stale = visits.filter(({ answer }) => answer !== undefined && 'failure' in answer && STALE.has(answer.failure))
    if (stale.length === 0) return
    await this.clock.sleep(BACKOFF_MS, signal)
    const heard = await this.metadata(topicsOf(stale.map(({ item }) => item)), { elsewhere: true, signal })
    for (const visit of stale) {
      visit.place = this.#locate(heard, visit.item)
      visit.answer = undefined
    }
    await this.#askLeaders(stale, asks, { signal })
  }

  /** Offsets are asked by topic name: only an unchanged topic ID says whose they are. */
  #assertSame<Item extends TopicPartition>(visit: Visit<Item, unknown[]>, after: ReadonlyMap<string, TopicView | undefined>): void {
    const { item, place } = visit
    const topicId = after.get(item.topic)?.topicId
    if (place.state !== 'stop' || topicId === place.topicId) return
    visit.place = this.#unknown(item, 'TOPIC_ID_CHANGED', `the topic's ID was ${place.topicId}, and is ${topicId ?? 'gone'}`)
  }

  #outcome<Item extends TopicPartition, Value>({ item, place, answer }: Visit<Item, Value>) {
    if (place.state !== 'stop') return place
    if (answer === undefined) return this.#unknown(item, 'NO_ANSWER', `broker ${place.leaderId} did not answer`)
    if ('failure' in answer) return this.#unknown(item, answer.failure, `broker ${place.leaderId} answered ${answer.failure}`)
    return { state: 'reached', stop: place, value: answer.value } as const
  }

  #unknown({ topic, partition }: TopicPartition, reason: string, detail: string): UnknownFacts {
    return { state: 'unknown', topic, partition, clusterId: this.#log.clusterId, reason, detail }
  }
}

const LATE = 'no answer in time'

function unreachable(broker: number, why: string): TidemarkError {
  return new TidemarkError('KAFKA_UNREACHABLE', `broker ${broker}: ${why}`, { hint: 'Check that the brokers are up' })
}

/** What is asked first: the log end is never older than it. */
function offsetsBelow({ logStartOffset, lastStableOffset }: MemoryPartition): { logStartOffset: number; lastStableOffset: number } {
  return { logStartOffset, lastStableOffset }
}

function offsetsAbove(
  leader: MemoryPartition,
  { epochs = [], offset }: FactsQuestion,
): { logEndOffset: number; epochEnds: EpochEnd[] } | string {
  if (!leader.knowsEnd) return 'OFFSET_NOT_AVAILABLE'
  const epochEnds: EpochEnd[] = []
  for (let asked = nextEpoch(epochs, offset, epochEnds); asked !== undefined; asked = nextEpoch(epochs, offset, epochEnds))
    epochEnds.push(leader.endOf(asked))
  return { logEndOffset: leader.logEndOffset, epochEnds }
}

function offsetAtTime(leader: MemoryPartition, { timestamp }: TimeQuestion): { offset: number | null } | string {
  return leader.knowsEnd ? { offset: leader.offsetAt(timestamp) } : 'OFFSET_NOT_AVAILABLE'
}

function epochsOfRange(leader: MemoryPartition, range: OffsetRange): ReturnType<typeof epochsIn> {
  const ends: EpochEnd[] = []
  const next = (): number | undefined => olderEpoch(leader.leaderEpoch, range.fromOffset, ends)
  for (let asked = next(); asked !== undefined; asked = next()) ends.push(leader.endOf(asked))
  return epochsIn(range, leader.leaderEpoch, ends)
}

function topicsOf(partitions: readonly TopicPartition[]): string[] {
  return [...new Set(partitions.map(({ topic }) => topic))]
}
