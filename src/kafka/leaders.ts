import { setTimeout as sleep } from 'node:timers/promises'
import type { AbsentFacts, UnknownFacts } from '../core/facts.ts'
import type { TopicPartition } from '../core/position.ts'
import { TidemarkError } from '../errors.ts'
import type { Cluster } from './cluster.ts'
import { isLate } from './failures.ts'
import { locate, unknown, type Place, type Stop } from './locate.ts'
import type { FactsOptions } from './log.ts'
import { topicIn, type Metadata } from './metadata.ts'
import type { Call } from './protocol.ts'

/** Why a leader has no answer for a partition: Kafka's name of the error, or one of UnknownFacts' own. */
export class Failure {
  readonly reason: string
  readonly detail: string | undefined

  constructor(reason: string, detail?: string) {
    this.reason = reason
    this.detail = detail
  }
}

/** Sends one request to the broker in question, within the time there is. `apart`: over a connection of its own, so that the broker works on it beside the others. */
export type Send = <Args extends unknown[], Result>(call: Call<Args, Result>, args: Args, apart?: boolean) => Promise<Result>

/** Asks one leader of all the partitions that it leads; one answer per stop, in order. */
export type AskLeader<Item extends TopicPartition, Value extends object> = (
  send: Send,
  stops: readonly Stop<Item>[],
) => Promise<readonly (Value | Failure)[]>

/** What became of one partition: its leader answered, and its topic was the same before and after; or it is absent; or why it is unknown. */
export type Visited<Item extends TopicPartition, Value extends object> =
  | { readonly state: 'reached'; readonly stop: Stop<Item>; readonly value: Value }
  | AbsentFacts
  | UnknownFacts

/** One question under way. */
interface Tour<Item extends TopicPartition, Value extends object> {
  readonly cluster: Cluster
  readonly askLeader: AskLeader<Item, Value>
  readonly signal: AbortSignal | undefined
  /** What is left of the time-out up to this share of it, ms: a broker that hangs leaves time for the steps after it. */
  readonly until: (share: number) => number
}

interface Visit<Item extends TopicPartition, Value extends object> {
  readonly item: Item
  place: Place<Item>
  /** The leader's; undefined where none was asked. */
  answer: Value | Failure | undefined
}

/** Answers by which a broker says that our metadata is old, or its own: worth one more try with new metadata. */
const STALE = new Set([
  'NOT_LEADER_OR_FOLLOWER',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'UNREACHABLE',
])

/** As Java's retry.backoff.ms: news of an election is everywhere after some tens of milliseconds. */
const BACKOFF_MS = 100

/**
 * Asks the leaders of distinct partitions, all brokers at once and each of all its partitions: metadata, leaders, and
 * metadata again, since offsets are asked by topic name, and only an unchanged topic ID says whose they are. One outcome
 * per item, in order; what goes wrong with one broker, topic or partition stays with it.
 * @throws TidemarkError as Cluster.metadata does: no broker at all could be asked; or the signal's reason
 */
export async function visitLeaders<Item extends TopicPartition, Value extends object>(
  cluster: Cluster,
  items: readonly Item[],
  askLeader: AskLeader<Item, Value>,
  { elsewhere, signal }: FactsOptions,
): Promise<Visited<Item, Value>[]> {
  const end = performance.now() + cluster.timeoutMs
  const until = (share: number): number => Math.max(1, end - cluster.timeoutMs * (1 - share) - performance.now())
  const tour: Tour<Item, Value> = { cluster, askLeader, signal, until }
  const before = await cluster.metadata(topicsOf(items), { elsewhere, signal, timeoutMs: until(1 / 3) })
  const visits = items.map((item): Visit<Item, Value> => ({ item, place: locate(before, item), answer: undefined }))
  await askLeaders(tour, visits)
  await askStale(tour, visits)
  const answered = topicsOf(visits.filter(({ answer }) => answer !== undefined && !(answer instanceof Failure)).map(({ item }) => item))
  // From another broker: one that is cut off from the controller goes on saying what was so before.
  const after = answered.length === 0 ? before : await cluster.metadata(answered, { elsewhere: true, signal, timeoutMs: until(1) })
  return visits.map((visit) => outcome(visit, after))
}

async function askLeaders<Item extends TopicPartition, Value extends object>(
  tour: Tour<Item, Value>,
  visits: readonly Visit<Item, Value>[],
): Promise<void> {
  const byLeader = Map.groupBy(visits, ({ place }) => (place.state === 'stop' ? place.leaderId : -1))
  byLeader.delete(-1)
  await Promise.all([...byLeader].map(([leaderId, group]) => askOne(tour, leaderId, group)))
}

async function askOne<Item extends TopicPartition, Value extends object>(
  { cluster, askLeader, signal, until }: Tour<Item, Value>,
  leaderId: number,
  visits: readonly Visit<Item, Value>[],
): Promise<void> {
  const send: Send = (call, args, apart = false) =>
    cluster.send(leaderId, call, args, { timeoutMs: until(2 / 3), signal, purpose: apart ? 'apart' : undefined })
  try {
    const answers = await askLeader(
      send,
      visits.map(({ place }) => place as Stop<Item>),
    )
    visits.forEach((visit, index) => (visit.answer = answers[index]))
  } catch (error) {
    signal?.throwIfAborted()
    const answer = failureOf(error, leaderId)
    for (const visit of visits) visit.answer = answer
  }
}

/** Hears once more who leads those partitions whose answer may be due to old metadata, and asks those leaders. */
async function askStale<Item extends TopicPartition, Value extends object>(
  tour: Tour<Item, Value>,
  visits: readonly Visit<Item, Value>[],
): Promise<void> {
  const stale = visits.filter(({ answer }) => answer instanceof Failure && STALE.has(answer.reason))
  if (stale.length === 0) return
  const { cluster, signal, until } = tour
  await sleep(BACKOFF_MS, undefined, { signal })
  const metadata = await cluster.metadata(topicsOf(stale.map(({ item }) => item)), { elsewhere: true, signal, timeoutMs: until(2 / 3) })
  await askLeaders(
    tour,
    stale.filter((visit) => relocate(visit, metadata)),
  )
}

/** Puts a visit where the partition is led now; false where that broker could not be reached just now. */
function relocate<Item extends TopicPartition, Value extends object>(visit: Visit<Item, Value>, metadata: Metadata): boolean {
  const place = locate(metadata, visit.item)
  const unreachable = visit.answer instanceof Failure && visit.answer.reason === 'UNREACHABLE'
  if (unreachable && place.state === 'stop' && place.leaderId === (visit.place as Stop).leaderId) return false
  visit.place = place
  visit.answer = undefined
  return true
}

function outcome<Item extends TopicPartition, Value extends object>(
  { place, answer }: Visit<Item, Value>,
  after: Metadata,
): Visited<Item, Value> {
  if (place.state !== 'stop') return place
  const { topic, clusterId, topicId, leaderId } = place
  if (answer === undefined) return unknown(place, clusterId, 'NO_ANSWER', `broker ${leaderId} left the partition out of its answer`)
  if (answer instanceof Failure) {
    return unknown(place, clusterId, answer.reason, answer.detail ?? `broker ${leaderId} answered ${answer.reason}`)
  }
  const now = topicIn(after, topic)
  if (now.topicId !== topicId) {
    return unknown(
      place,
      clusterId,
      'TOPIC_ID_CHANGED',
      `the topic's ID was ${topicId}, and is ${now.topicId || 'gone'}: deleted or made anew while being asked about`,
    )
  }
  return { state: 'reached', stop: place, value: answer }
}

/** Why a broker could not be asked, for all its partitions. */
function failureOf(error: unknown, leaderId: number): Failure {
  if (!(error instanceof TidemarkError)) throw error
  const reason = isLate(error) ? 'TIMED_OUT' : error.code === 'KAFKA_UNREACHABLE' ? 'UNREACHABLE' : error.code
  return new Failure(reason, `broker ${leaderId}, which leads the partition, could not be asked: ${error.message}`)
}

function topicsOf(partitions: readonly TopicPartition[]): string[] {
  return [...new Set(partitions.map(({ topic }) => topic))]
}
