import { systemClock } from '../clock.ts'
import type { Custody } from '../core/custody.ts'
import { keyOf } from '../core/position.ts'
import type { TopicPartition } from '../core/position.ts'
import { TidemarkError } from '../errors.ts'
import type { Log, TopicDescription } from '../kafka/log.ts'
import type { ExamineOptions } from './examine.ts'
import type { SelectedTopic } from './selection.ts'

/**
 * The partitions that a selection names and of which nothing is stored.
 * @throws TidemarkError TOPIC_NOT_FOUND for a topic or partition that does not exist, FACTS_UNKNOWN where the cluster can't say which partitions there are.
 */
export async function listUnstored(
  log: Log,
  stored: readonly Custody[],
  selected: readonly SelectedTopic[],
  options: ExamineOptions,
): Promise<TopicPartition[]> {
  const known = new Set(stored.map(keyOf))
  const topics = new Set(stored.map(({ topic }) => topic))
  const open = selected.filter(({ topic, partitions }) => partitions?.every((partition) => known.has(keyOf({ topic, partition }))) !== true)
  if (open.length === 0) return []
  const describe = await describeTwice(log, open, topics, options)
  const found = new Map<string, TopicPartition>()
  for (const one of open) {
    const description = describe(one.topic)
    for (const place of placesOf(one, description)) if (!known.has(keyOf(place))) found.set(keyOf(place), place)
    const isStored = (partition?: number): boolean =>
      partition === undefined ? topics.has(one.topic) : known.has(keyOf({ topic: one.topic, partition }))
    refuseAbsent(one, description, isStored, options.group)
  }
  return [...found.values()]
}

/** Absent counts on a second look: a topic that was made a moment ago is not known to every broker yet. */
async function describeTwice(log: Log, selected: readonly SelectedTopic[], stored: ReadonlySet<string>, options: ExamineOptions) {
  const names = [...new Set(selected.map(({ topic }) => topic))]
  let descriptions = await descriptionsOrUnreachable(log, names, options)
  const incomplete = selected.some((one) => {
    const description = descriptions.get(one.topic)
    return description?.state === 'known' ? partitionsBeyond(one, description).length > 0 : !stored.has(one.topic)
  })
  if (incomplete) {
    await (options.clock ?? systemClock).sleep(options.secondLookMs ?? 2_000, options.signal)
    descriptions = await descriptionsOrUnreachable(log, names, options)
  }
  return (topic: string): TopicDescription =>
    descriptions.get(topic) ?? { state: 'unknown', topic, reason: 'INTERNAL', detail: 'no answer' }
}

/** A cluster that can't be reached says nothing of any topic; what is stored can still be shown, as `unknown`. */
async function descriptionsOrUnreachable(
  log: Log,
  names: readonly string[],
  options: ExamineOptions,
): Promise<Map<string, TopicDescription>> {
  try {
    return new Map((await log.topics(names, options)).map((description) => [description.topic, description]))
  } catch (error) {
    if (!(error instanceof TidemarkError && error.code === 'KAFKA_UNREACHABLE')) throw error
    return new Map(names.map((topic) => [topic, { state: 'unknown', topic, reason: 'UNREACHABLE', detail: error.what }]))
  }
}

function placesOf({ topic, partitions }: SelectedTopic, description: TopicDescription): TopicPartition[] {
  const numbers = partitions ?? (description.state === 'known' ? description.partitions : [])
  return numbers.map((partition) => ({ topic, partition }))
}

function partitionsBeyond({ partitions = [] }: SelectedTopic, { partitions: existing }: TopicDescription & { state: 'known' }): number[] {
  return partitions.filter((partition) => !existing.includes(partition))
}

/** What is stored of a topic that is gone is a verdict, `orphaned`; asking for what neither exists nor is stored is an error. */
function refuseAbsent(one: SelectedTopic, description: TopicDescription, isStored: (partition?: number) => boolean, group: string): void {
  const { topic } = one
  if (description.state === 'known') {
    const partition = partitionsBeyond(one, description).find((beyond) => !isStored(beyond))
    if (partition === undefined) return
    const hint = `It has ${description.partitions.length}, numbered from 0`
    throw new TidemarkError('TOPIC_NOT_FOUND', 'the topic has no such partition, and nothing is stored of it', {
      group,
      topic,
      partition,
      hint,
    })
  }
  if (one.partitions === undefined ? isStored() : one.partitions.every(isStored)) return
  if (description.state === 'absent') {
    const hint = 'Check the name and the bootstrap server'
    throw new TidemarkError('TOPIC_NOT_FOUND', 'there is no such topic in the cluster, and nothing is stored of it', {
      group,
      topic,
      partition: one.partitions?.[0],
      hint,
    })
  }
  // Partitions named by number can be asked about without a list; they come out as unknown.
  if (one.partitions !== undefined) return
  throw new TidemarkError('FACTS_UNKNOWN', `the cluster could not describe the topic: ${description.reason}: ${description.detail}`, {
    group,
    topic,
    hint: 'Try again once the brokers answer',
  })
}
