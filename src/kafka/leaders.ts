import { setTimeout as sleep } from 'node:timers/promises'
import type { AbsentFacts, UnknownFacts } from '../core/facts.ts'
import type { TopicPartition } from '../core/position.ts'
import { TidemarkError } from '../errors.ts'
import type { Cluster } from './cluster.ts'
import { isLate } from './failures.ts'
import { locate, type Place, type Stop } from './locate.ts'
import type { FactsOptions } from './log.ts'
import type { Metadata } from './metadata.ts'
import type { Call } from './protocol.ts'

/** What a leader answered for one partition: a value, or Kafka's name of the error. */
export type Answer<Value> = { readonly value: Value } | { readonly error: string; readonly detail?: string }

/** Sends one request to the broker in question, within the time there is. */
export type Send = <Args extends unknown[], Result>(call: Call<Args, Result>, args: Args) => Promise<Result>

/** Asks one leader of all the partitions that it leads; one answer per stop, in order. */
export type AskLeader<Value> = (send: Send, stops: readonly Stop[]) => Promise<readonly Answer<Value>[]>

/** A partition whose leader answered, and whose topic was the same before and after. */
export interface Reached<Value> extends TopicPartition {
  readonly state: 'reached'
  readonly stop: Stop
  readonly value: Value
}

/** One question under way. */
interface Tour<Value> {
  readonly cluster: Cluster
  readonly askLeader: AskLeader<Value>
  readonly signal: AbortSignal | undefined
  /** What is left of the time-out up to this share of it, ms: a broker that hangs leaves time for the steps after it. */
  readonly until: (share: number) => number
}

interface Visit<Value> {
  place: Place
  answer?: Answer<Value> | undefined
}

/** Answers by which a broker says that our metadata is old, or its own: worth one more try with new metadata. */
const STALE = new Set(['NOT_LEADER_OR_FOLLOWER', 'FENCED_LEADER_EPOCH', 'UNKNOWN_LEADER_EPOCH', 'UNKNOWN_TOPIC_OR_PARTITION', 'UNREACHABLE'])

/** As Java's retry.backoff.ms: news of an election is everywhere after some tens of milliseconds. */
const BACKOFF_MS = 100

/**
 * Asks the leaders of distinct partitions, all brokers at once and each of all its partitions: metadata, leaders, and
 * metadata again, since offsets are asked by topic name, and only an unchanged topic ID says whose they are. One outcome
 * per partition, in order; what goes wrong with one broker, topic or partition stays with it.
 * @throws TidemarkError as Cluster.metadata does: no broker at all could be asked; or the signal's reason
 */
export async function visitLeaders<Value>(
  cluster: Cluster,
  partitions: readonly TopicPartition[],
  askLeader: AskLeader<Value>,
  { elsewhere, signal }: FactsOptions,
): Promise<(Reached<Value> | AbsentFacts | UnknownFacts)[]> {
  const end = performance.now() + cluster.timeoutMs
  const until = (share: number): number => Math.max(1, end - cluster.timeoutMs * (1 - share) - performance.now())
  const tour: Tour<Value> = { cluster, askLeader, signal, until }
  const before = await cluster.metadata(topicsOf(partitions), { elsewhere, signal, timeoutMs: until(1 / 3) })
  const visits = partitions.map((partition): Visit<Value> => ({ place: locate(before, partition) }))
  await askLeaders(tour, visits)
  await askStale(tour, visits)
  const reached = visits.filter(({ answer }) => answer !== undefined && 'value' in answer).map(({ place }) => place)
  const after = reached.length === 0 ? before : await cluster.metadata(topicsOf(reached), { signal, timeoutMs: until(1) })
  return visits.map((visit) => outcome(visit, after))
}

async function askLeaders<Value>(tour: Tour<Value>, visits: readonly Visit<Value>[]): Promise<void> {
  const byLeader = Map.groupBy(
    visits.filter(({ place }) => place.state === 'stop'),
    ({ place }) => (place as Stop).leaderId,
  )
  await Promise.all([...byLeader].map(([leaderId, group]) => askOne(tour, leaderId, group)))
}

async function askOne<Value>({ cluster, askLeader, signal, until }: Tour<Value>, leaderId: number, visits: readonly Visit<Value>[]): Promise<void> {
  const send: Send = (call, args) => cluster.send(leaderId, call, args, { timeoutMs: until(2 / 3), signal })
  try {
    const answers = await askLeader(send, visits.map(({ place }) => place as Stop))
    for (const [index, visit] of visits.entries()) visit.answer = answers[index]
  } catch (error) {
    signal?.throwIfAborted()
    const answer = failure(error, leaderId)
    for (const visit of visits) visit.answer = answer
  }
}

/** Hears once more who leads those partitions whose answer may be due to old metadata, and asks those leaders. */
async function askStale<Value>(tour: Tour<Value>, visits: readonly Visit<Value>[]): Promise<void> {
  const stale = visits.filter(({ answer }) => answer !== undefined && 'error' in answer && STALE.has(answer.error))
  if (stale.length === 0) return
  const { cluster, signal, until } = tour
  await sleep(BACKOFF_MS, undefined, { signal })
  const metadata = await cluster.metadata(topicsOf(stale.map(({ place }) => place)), { elsewhere: true, signal, timeoutMs: until(2 / 3) })
  const again = stale.filter((visit) => relocate(visit, metadata))
  await askLeaders(tour, again)
}

/** Puts a visit where the partition is led now; false where that broker could not be reached just now. */
function relocate<Value>(visit: Visit<Value>, metadata: Metadata): boolean {
  const place = locate(metadata, visit.place)
  const unreachable = visit.answer !== undefined && 'error' in visit.answer && visit.answer.error === 'UNREACHABLE'
  if (unreachable && place.state === 'stop' && place.leaderId === (visit.place as Stop).leaderId) return false
  visit.place = place
  visit.answer = undefined
  return true
}

function outcome<Value>({ place, answer }: Visit<Value>, after: Metadata): Reached<Value> | AbsentFacts | UnknownFacts {
  if (place.state !== 'stop') return place
  const { topic, partition, clusterId, topicId, leaderId } = place
  const unknown = (reason: string, detail: string): UnknownFacts => ({ state: 'unknown', topic, partition, clusterId, reason, detail })
  if (answer === undefined) return unknown('NO_ANSWER', `broker ${leaderId} left the partition out of its answer`)
  if ('error' in answer) return unknown(answer.error, answer.detail ?? `broker ${leaderId} answered ${answer.error}`)
  const now = after.topics.get(topic)
  if (now === undefined || now.topicId !== topicId || after.clusterId !== clusterId) {
    return unknown('TOPIC_ID_CHANGED', `the topic was deleted or made anew while it was asked about: its ID was ${topicId}, and is ${now?.topicId || 'gone'}`)
  }
  return { state: 'reached', topic, partition, stop: place, value: answer.value }
}

/** Why a broker could not be asked, for all its partitions. */
function failure(error: unknown, leaderId: number): { error: string; detail: string } {
  if (!(error instanceof TidemarkError)) throw error
  const reason = isLate(error) ? 'TIMED_OUT' : error.code === 'KAFKA_UNREACHABLE' ? 'UNREACHABLE' : error.code
  return { error: reason, detail: `broker ${leaderId}, which leads the partition, could not be asked: ${error.message}` }
}

function topicsOf(partitions: readonly TopicPartition[]): string[] {
  return [...new Set(partitions.map(({ topic }) => topic))]
}
