import type { Cluster } from './cluster.ts'
import { Failure, visitLeaders, type Send, type Visited } from './leaders.ts'
import type { Stop } from './locate.ts'
import type { AskOptions, TimeAnswer, TimeQuestion } from './log.ts'
import { askOffsets } from './offsets.ts'
import { distinct, Roster } from './roster.ts'

interface Found {
  readonly offset: number | null
}

/**
 * The first offset whose record time is at or after a moment, for any number of partitions, in one request per broker and
 * two for metadata; a partition asked about twice takes a second round. One answer per question, in order.
 * @throws TidemarkError as Cluster.metadata does: no broker at all could be asked; or the signal's reason
 */
export async function askTimes(cluster: Cluster, questions: readonly TimeQuestion[], options: AskOptions = {}): Promise<TimeAnswer[]> {
  const found = new Map<TimeQuestion, TimeAnswer>()
  for (const { items } of distinct(questions)) {
    const outcomes = await visitLeaders(cluster, items, askOne, options)
    for (const [index, question] of items.entries())
      found.set(question, timeAnswer(question, outcomes[index] as Visited<TimeQuestion, Found>))
  }
  return questions.map((question) => found.get(question) as TimeAnswer)
}

async function askOne(send: Send, stops: readonly Stop<TimeQuestion>[]): Promise<(Found | Failure)[]> {
  const offsets = await askOffsets(send, new Roster(stops), ({ item }) => wireTime(item))
  return offsets.map((offset) => (offset instanceof Failure ? offset : { offset }))
}

/** Negative times are special on the wire, and no record is older than 1970. */
function wireTime({ timestamp }: TimeQuestion): number {
  return Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, Math.ceil(timestamp)))
}

function timeAnswer({ topic, partition }: TimeQuestion, outcome: Visited<TimeQuestion, Found>): TimeAnswer {
  if (outcome.state === 'reached') return { state: 'known', topic, partition, offset: outcome.value.offset }
  return { state: 'unknown', topic, partition, reason: outcome.state === 'absent' ? 'UNKNOWN_TOPIC_OR_PARTITION' : outcome.reason }
}
