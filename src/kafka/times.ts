import { keyOf } from '../core/position.ts'
import type { Cluster } from './cluster.ts'
import { visitLeaders, type Answer, type Send } from './leaders.ts'
import type { Stop } from './locate.ts'
import type { AskOptions, TimeAnswer, TimeQuestion } from './log.ts'
import { askOffsets } from './offsets.ts'

/** What a leader says of one partition, per question. */
type Answers = ReadonlyMap<TimeQuestion, number | null>

/**
 * The first offset whose record time is at or after a moment, for any number of partitions, in as many requests as
 * there are brokers, and two. One answer per question, in order.
 * @throws TidemarkError as Cluster.metadata does: no broker at all could be asked; or the signal's reason
 */
export async function askTimes(cluster: Cluster, questions: readonly TimeQuestion[], options: AskOptions = {}): Promise<TimeAnswer[]> {
  const byPartition = Map.groupBy(questions, keyOf)
  const partitions = Array.from(byPartition.values(), ([question]) => question as TimeQuestion)
  const askLeader = (send: Send, stops: readonly Stop[]): Promise<Answer<Answers>[]> => askOne(send, stops, byPartition)
  if (partitions.length === 0) return []
  const outcomes = await visitLeaders(cluster, partitions, askLeader, options)
  const found = new Map(outcomes.map((outcome) => [keyOf(outcome), outcome]))
  return questions.map((question) => {
    const outcome = found.get(keyOf(question)) as (typeof outcomes)[number]
    if (outcome.state === 'absent') return unknown(question, 'UNKNOWN_TOPIC_OR_PARTITION')
    if (outcome.state === 'unknown') return unknown(question, outcome.reason)
    const { topic, partition } = question
    return { state: 'known', topic, partition, offset: outcome.value.get(question) ?? null }
  })
}

async function askOne(send: Send, stops: readonly Stop[], byPartition: ReadonlyMap<string, readonly TimeQuestion[]>): Promise<Answer<Answers>[]> {
  const itemsAt = stops.map((stop) => (byPartition.get(keyOf(stop)) ?? []).map((question) => ({ stop, question, time: wireTime(question) })))
  const answers = await askOffsets(send, itemsAt.flat())
  return itemsAt.map((items) => {
    const found = new Map<TimeQuestion, number | null>()
    for (const item of items) {
      const answer = answers.get(item) ?? { error: 'NO_ANSWER' }
      // What is wrong with the partition is wrong for every question about it.
      if ('error' in answer) return answer
      found.set(item.question, answer.value)
    }
    return { value: found }
  })
}

/** Negative times are special on the wire, and no record is older than 1970. */
function wireTime({ timestamp }: TimeQuestion): bigint {
  return BigInt(Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, Math.ceil(timestamp))))
}

function unknown({ topic, partition }: TimeQuestion, reason: string): TimeAnswer {
  return { state: 'unknown', topic, partition, reason }
}
