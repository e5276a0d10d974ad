import type { EpochEnd, Facts } from '../core/facts.ts'
import { keyOf, MAX_EPOCHS, type EpochStart } from '../core/position.ts'
import type { Cluster } from './cluster.ts'
import { walkBack, type Walk } from './epochs.ts'
import { visitLeaders, type Answer, type Reached, type Send } from './leaders.ts'
import type { Stop } from './locate.ts'
import type { FactsOptions, FactsQuestion } from './log.ts'
import { askOffsets, EARLIEST, LATEST, type TimedStop } from './offsets.ts'

/** What a leader says of one partition; the epoch answers once per question, since several groups may ask. */
interface LeaderFacts {
  readonly logStartOffset: number
  readonly logEndOffset: number
  readonly lastStableOffset: number | undefined
  readonly epochEnds: ReadonlyMap<FactsQuestion, readonly EpochEnd[]>
}

/**
 * Facts of any number of partitions, in a number of requests that depends on the brokers and not on the partitions: two
 * for metadata; to each broker two for offsets, one more for the last stable offset, one for epochs, and as many again as
 * a diverging history takes to walk back. One answer per question, in order.
 * @throws TidemarkError as Cluster.metadata does: no broker at all could be asked; or the signal's reason
 */
export async function askFacts(cluster: Cluster, questions: readonly FactsQuestion[], options: FactsOptions = {}): Promise<Facts[]> {
  const byPartition = Map.groupBy(questions, keyOf)
  const partitions = Array.from(byPartition.values(), ([question]) => question as FactsQuestion)
  const askLeader = (send: Send, stops: readonly Stop[]): Promise<Answer<LeaderFacts>[]> => {
    const questionsAt = new Map(stops.map((stop) => [stop, byPartition.get(keyOf(stop)) ?? []]))
    return askOne(send, stops, questionsAt, options.lastStableOffset === true)
  }
  if (partitions.length === 0) return []
  const outcomes = await visitLeaders(cluster, partitions, askLeader, options)
  const found = new Map(outcomes.map((outcome) => [keyOf(outcome), outcome]))
  return questions.map((question) => {
    const outcome = found.get(keyOf(question)) as (typeof outcomes)[number]
    return outcome.state === 'reached' ? knownFacts(question, outcome) : outcome
  })
}

type QuestionsAt = ReadonlyMap<Stop, readonly FactsQuestion[]>

async function askOne(send: Send, stops: readonly Stop[], questionsAt: QuestionsAt, withStable: boolean): Promise<Answer<LeaderFacts>[]> {
  const starts = stops.map((stop) => ({ stop, time: EARLIEST }))
  const ends = stops.map((stop) => ({ stop, time: LATEST }))
  const walksAt = stops.map((stop) => walksOf(stop, questionsAt.get(stop) ?? []))
  // A broker answers one connection's requests in order, so the log end is never older than the other two.
  const [startAt, stableAt, endAt] = await Promise.all([
    askOffsets(send, starts),
    withStable ? askOffsets(send, ends, 'read_committed') : undefined,
    askOffsets(send, ends),
    walkBack(send, walksAt.flatMap((walks) => [...walks.values()])),
  ])
  return walksAt.map((walks, index) => {
    const [start, end] = [starts[index] as TimedStop, ends[index] as TimedStop]
    return gather(startAt.get(start), endAt.get(end), stableAt?.get(end), walks)
  })
}

function walksOf(stop: Stop, questions: readonly FactsQuestion[]): Map<FactsQuestion, Walk> {
  return new Map(questions.map((question) => [question, { stop, epochs: askableEpochs(question), offset: question.offset, ends: [] }]))
}

/** A store may hold anything; what is no epoch can't be written into a request, and would spoil it for all partitions in it. */
function askableEpochs({ epochs = [] }: FactsQuestion): EpochStart[] {
  return epochs.filter(({ epoch }) => Number.isInteger(epoch) && epoch >= 0 && epoch < 2 ** 31).slice(-MAX_EPOCHS)
}

type OffsetAnswer = Answer<number | null> | undefined

/** One partition's answers as one; an error in any of them is the partition's. */
function gather(start: OffsetAnswer, end: OffsetAnswer, stable: OffsetAnswer, walks: ReadonlyMap<FactsQuestion, Walk>): Answer<LeaderFacts> {
  for (const answer of [start, end, stable]) if (answer !== undefined && 'error' in answer) return answer
  const failed = [...walks.values()].find(({ error }) => error !== undefined)
  if (failed?.error !== undefined) return { error: failed.error }
  const [logStartOffset, logEndOffset, lastStableOffset] = [start, end, stable].map((answer) => (answer as { value: number | null } | undefined)?.value)
  if (logStartOffset == null || logEndOffset == null) return { error: 'NO_ANSWER' }
  const epochEnds = new Map(Array.from(walks, ([question, { ends }]) => [question, ends]))
  return { value: { logStartOffset, logEndOffset, lastStableOffset: lastStableOffset ?? undefined, epochEnds } }
}

function knownFacts(question: FactsQuestion, { topic, partition, stop, value }: Reached<LeaderFacts>): Facts {
  const { clusterId, topicId, leaderId, leaderEpoch } = stop
  const { logStartOffset, logEndOffset, lastStableOffset, epochEnds } = value
  const stable = lastStableOffset === undefined ? {} : { lastStableOffset }
  const ends = epochEnds.get(question) ?? []
  return { state: 'known', topic, partition, clusterId, topicId, leaderId, leaderEpoch, logStartOffset, logEndOffset, ...stable, epochEnds: ends }
}
