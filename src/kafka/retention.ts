import type { MarginQuestion, RetentionFacts, RetentionSettings, Unknown } from '../core/margin.ts'
import { RATE_WINDOWS_MS } from '../core/margin.ts'
import { nextTime } from '../core/oldest.ts'
import type { TimeSample } from '../core/oldest.ts'
import { keyOf, type TopicPartition } from '../core/position.ts'
import type { Cluster } from './cluster.ts'
import type { Asked, KnownTimes } from './known-times.ts'
import { Failure, visitLeaders, type Send } from './leaders.ts'
import type { Stop } from './locate.ts'
import type { RetentionAnswer, RetentionOptions } from './log.ts'
import { askOffsets, askTimedRecords, EARLIEST_LOCAL } from './offsets.ts'
import { Roster } from './roster.ts'
import { askSettings, askSizes } from './settings.ts'

/** How often a leader is asked for records by time: enough for a second in a month, were the records as uneven as can be. */
const MAX_ROUNDS = 24

/** All that is asked about one partition: several groups may ask with offsets of their own. */
interface Inquiry extends TopicPartition {
  readonly questions: MarginQuestion[]
}

/** A partition at its leader, and what is known of it so far. */
interface Search extends Stop<Inquiry> {
  readonly settings: RetentionSettings | Unknown
  readonly samples: TimeSample[]
  /** Times to ask for first. */
  readonly wanted: number[]
  turn: number
  failure?: Failure
}

/**
 * What there is to know about retention, in a number of requests that depends on the brokers and not on the partitions: two for metadata; to each broker
 * one for the topics' settings, one for sizes where a size counts, one for the local log start where a topic is tiered, and one for records by
 * time in each round, at most {@link MAX_ROUNDS}. One answer per question, in order. What is refused is said in its place.
 * @throws TidemarkError as Cluster.metadata does: no broker at all could be asked; or the signal's reason
 */
export async function askRetention(
  cluster: Cluster,
  known: KnownTimes,
  questions: readonly MarginQuestion[],
  { now, signal }: RetentionOptions,
): Promise<RetentionAnswer[]> {
  if (questions.length === 0) return []
  const inquiries = inquiriesOf(questions)
  const askLeader = (send: Send, stops: readonly Stop<Inquiry>[]) => askOne(send, stops, known, now)
  const outcomes = await visitLeaders(cluster, [...inquiries.values()], askLeader, { signal })
  known.keep(outcomes.flatMap((outcome) => (outcome.state === 'reached' ? [askedOf(outcome)] : [])))
  const answers = new Map([...inquiries.keys()].map((key, index) => [key, outcomes[index] as (typeof outcomes)[number]]))
  return questions.map((question): RetentionAnswer => {
    const { topic, partition } = question
    const outcome = answers.get(keyOf(question)) as (typeof outcomes)[number]
    if (outcome.state === 'reached') return { state: 'known', topic, partition, facts: outcome.value }
    if (outcome.state === 'unknown') return outcome
    return { state: 'unknown', topic, partition, reason: 'UNKNOWN_TOPIC_OR_PARTITION', detail: 'it does not exist' }
  })
}

function inquiriesOf(questions: readonly MarginQuestion[]): Map<string, Inquiry> {
  const inquiries = new Map<string, Inquiry>()
  for (const question of questions) {
    const { topic, partition } = question
    const inquiry = inquiries.get(keyOf(question))
    if (inquiry === undefined) inquiries.set(keyOf(question), { topic, partition, questions: [question] })
    else inquiry.questions.push(question)
  }
  return inquiries
}

function askedOf({ stop, value }: { readonly stop: Stop<Inquiry>; readonly value: RetentionFacts }): Asked {
  // Compaction removes records that are remembered.
  const isKept = !('unknown' in value.settings) && !value.settings.cleanupPolicy.includes('compact')
  return { stop, placed: stop.item.questions, samples: isKept ? value.samples : [] }
}

async function askOne(send: Send, stops: readonly Stop<Inquiry>[], known: KnownTimes, now: number): Promise<(RetentionFacts | Failure)[]> {
  const settings = await askSettings(send, [...new Set(stops.map(({ topic }) => topic))])
  const searches = stops.map((stop): Search => {
    const found = settings.get(stop.topic) ?? { unknown: 'NO_ANSWER' }
    const wanted = countsBytes(found) ? [0, ...RATE_WINDOWS_MS.map((window) => now - window)] : []
    return { ...stop, settings: found, samples: known.of({ stop, placed: stop.item.questions }), wanted, turn: 0 }
  })
  const [sizes, localStarts] = await Promise.all([
    askSizes(
      send,
      searches.filter((search) => countsBytes(search.settings)),
    ),
    askLocalStarts(
      send,
      searches.filter((search) => isTiered(search.settings)),
    ),
    searchTimes(send, searches, now),
  ])
  return searches.map((search): RetentionFacts | Failure => {
    if (search.failure !== undefined) return search.failure
    const localStartOffset = localStarts.get(keyOf(search))
    if (localStartOffset instanceof Failure) return localStartOffset
    return { settings: search.settings, samples: search.samples, size: sizes.get(keyOf(search)), localStartOffset }
  })
}

function countsBytes(settings: RetentionSettings | Unknown): boolean {
  return !('unknown' in settings) && settings.cleanupPolicy.includes('delete') && settings.retentionBytes >= 0
}

function isTiered(settings: RetentionSettings | Unknown): boolean {
  return !('unknown' in settings) && settings.isTiered
}

/** Where what is on the leader's own disk starts. */
async function askLocalStarts(send: Send, searches: readonly Search[]): Promise<Map<string, number | Failure>> {
  if (searches.length === 0) return new Map()
  const starts = await askOffsets(send, new Roster(searches), () => EARLIEST_LOCAL)
  return new Map(searches.map((search, index) => [keyOf(search), starts[index] ?? new Failure('NO_ANSWER')]))
}

/** Asks for records by time, of all partitions at once, until enough is known of each. */
async function searchTimes(send: Send, searches: readonly Search[], now: number): Promise<void> {
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const times = new Map<Search, number>()
    for (const search of searches) {
      const time = search.failure === undefined ? timeToAsk(search, now) : undefined
      if (time !== undefined) times.set(search, time)
    }
    if (times.size === 0) return
    const roster = new Roster([...times.keys()])
    const found = await askTimedRecords(send, roster, (search) => Math.round(times.get(search) ?? 0))
    for (const [index, search] of roster.items.entries()) {
      const answer = found[index] ?? null
      if (answer instanceof Failure) search.failure = answer
      else search.samples.push({ asked: times.get(search) ?? 0, offset: answer?.offset ?? null, recordTime: answer?.recordTime ?? null })
      search.turn++
    }
  }
}

/** What the rates need, and then whatever tells more of an offset. */
function timeToAsk({ settings, samples, wanted, item, turn }: Search, now: number): number | undefined {
  const next = wanted.shift()
  if (next !== undefined) return next
  const retentionMs = 'unknown' in settings || settings.retentionMs < 0 ? undefined : settings.retentionMs
  for (const question of item.questions) {
    const time = nextTime(samples, question, now, turn, retentionMs)
    if (time !== undefined) return time
  }
  return undefined
}
