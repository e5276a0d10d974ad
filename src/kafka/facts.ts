import type { EpochEnd, Facts, KnownFacts } from '../core/facts.ts'
import { MAX_EPOCHS, type EpochStart, type TopicPartition } from '../core/position.ts'
import type { Cluster } from './cluster.ts'
import { walkBack, type Walk } from './epochs.ts'
import { Failure, visitLeaders, type Send } from './leaders.ts'
import type { Stop } from './locate.ts'
import type { FactsOptions, FactsQuestion } from './log.ts'
import { askOffsets, EARLIEST, LATEST } from './offsets.ts'
import { Places } from './places.ts'
import { Roster } from './roster.ts'
import { nextEpoch } from './walk.ts'

/** All that is asked about one partition: several groups may ask with epochs of their own. */
interface Inquiry extends TopicPartition {
  readonly questions: FactsQuestion[]
  /** Where the answers go. */
  readonly indexes: number[]
}

/** What a leader says of one partition. */
interface LeaderFacts {
  readonly logStartOffset: number
  readonly logEndOffset: number
  readonly lastStableOffset: number | undefined
  /** One per question, or none where no question names an epoch. */
  readonly walks: readonly Walk[]
}

/**
 * Facts of any number of partitions, in a number of requests that depends on the brokers and not on the partitions: two
 * for metadata; to each broker two for offsets, one more for the last stable offset, one for epochs, and as many again as
 * a diverging history takes to walk back. One answer per question, in order.
 * @throws TidemarkError as Cluster.metadata does: no broker at all could be asked; or the signal's reason
 */
export async function askFacts(cluster: Cluster, questions: readonly FactsQuestion[], options: FactsOptions = {}): Promise<Facts[]> {
  if (questions.length === 0) return []
  const inquiries = inquiriesOf(questions)
  const askLeader = (send: Send, stops: readonly Stop<Inquiry>[]) => askOne(send, stops, options.lastStableOffset === true)
  const outcomes = await visitLeaders(cluster, inquiries, askLeader, options)
  const facts: Facts[] = []
  inquiries.forEach(({ indexes }, at) => {
    const outcome = outcomes[at] as (typeof outcomes)[number]
    indexes.forEach((index, nth) => {
      facts[index] = outcome.state === 'reached' ? knownFacts(outcome.stop, outcome.value, outcome.value.walks[nth]?.ends ?? []) : outcome
    })
  })
  return facts
}

function inquiriesOf(questions: readonly FactsQuestion[]): Inquiry[] {
  const inquiries: Inquiry[] = []
  const known = new Places<Inquiry>()
  questions.forEach((question, index) => {
    const inquiry = known.get(question)
    if (inquiry === undefined) {
      const { topic, partition } = question
      const first = { topic, partition, questions: [question], indexes: [index] }
      known.set(question, first)
      inquiries.push(first)
    } else {
      inquiry.questions.push(question)
      inquiry.indexes.push(index)
    }
  })
  return inquiries
}

async function askOne(send: Send, stops: readonly Stop<Inquiry>[], withStable: boolean): Promise<(LeaderFacts | Failure)[]> {
  const roster = new Roster(stops)
  const walksAt = stops.map(walksOf)
  // A broker answers one connection's requests in order, so the log end is never older than the other two.
  const [starts, stables, ends] = await Promise.all([
    askOffsets(send, roster, () => EARLIEST),
    withStable ? askOffsets(send, roster, () => LATEST, 'read_committed') : undefined,
    askOffsets(send, roster, () => LATEST),
    walkBack(send, walksAt.flat()),
  ])
  return walksAt.map((walks, index) => gather(starts[index], ends[index], stables?.[index], walks))
}

const NO_WALKS: readonly Walk[] = []

function walksOf({ topic, partition, leaderEpoch, item }: Stop<Inquiry>): readonly Walk[] {
  if (item.questions.every(({ epochs }) => epochs === undefined || epochs.length === 0)) return NO_WALKS
  return item.questions.map((question) => {
    const epochs = askableEpochs(question)
    return { topic, partition, leaderEpoch, next: (ends) => nextEpoch(epochs, question.offset, ends), ends: [] }
  })
}

/** A store may hold anything; what is no epoch can't be written into a request, and would spoil it for all partitions in it. */
function askableEpochs({ epochs = [] }: FactsQuestion): readonly EpochStart[] {
  return epochs.length <= MAX_EPOCHS && epochs.every(isAskable) ? epochs : epochs.filter(isAskable).slice(-MAX_EPOCHS)
}

function isAskable({ epoch }: EpochStart): boolean {
  return Number.isInteger(epoch) && epoch >= 0 && epoch < 2 ** 31
}

type OffsetAnswer = number | null | Failure | undefined

/** One partition's answers as one; a failure of any of them is the partition's. */
function gather(start: OffsetAnswer, end: OffsetAnswer, stable: OffsetAnswer, walks: readonly Walk[]): LeaderFacts | Failure {
  if (start instanceof Failure) return start
  if (end instanceof Failure) return end
  if (stable instanceof Failure) return stable
  const failed = walks.find(({ failure }) => failure !== undefined)
  if (failed?.failure !== undefined) return failed.failure
  if (typeof start !== 'number' || typeof end !== 'number') return new Failure('NO_ANSWER')
  return { logStartOffset: start, logEndOffset: end, lastStableOffset: typeof stable === 'number' ? stable : undefined, walks }
}

function knownFacts(stop: Stop<Inquiry>, value: LeaderFacts, epochEnds: readonly EpochEnd[]): KnownFacts {
  const { topic, partition, clusterId, topicId, leaderId, leaderEpoch } = stop
  const { logStartOffset, logEndOffset, lastStableOffset } = value
  const known = {
    state: 'known',
    topic,
    partition,
    clusterId,
    topicId,
    leaderId,
    leaderEpoch,
    logStartOffset,
    logEndOffset,
    epochEnds,
  } as const
  return lastStableOffset === undefined ? known : { ...known, lastStableOffset }
}
