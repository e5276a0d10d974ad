import { byPartition, keyOf } from '../core/position.ts'
import type { TopicPartition } from '../core/position.ts'
import { TidemarkError } from '../errors.ts'
import type { Log, TopicDescription } from '../kafka/log.ts'
import type { Store } from '../store/store.ts'
import { parseSelection, selects } from '../verbs/selection.ts'
import { patiently } from './notice.ts'
import type { Patience } from './notice.ts'
import type { JobOptions } from './options.ts'

/**
 * The partitions that a job is to read, as far as they are known now: all that its topics have, and all that is stored of them;
 * without topics all that the group has stored. Waits for Kafka and the store.
 * @throws TidemarkError TOPIC_NOT_FOUND, USAGE where there is nothing to read
 */
export async function partitionsToRead(log: Log, store: Store, options: JobOptions, patience: Patience): Promise<TopicPartition[]> {
  const { group, topics, signal } = options
  const stored = await patiently('the store', patience, () => store.load(group))
  const found = topics === undefined ? stored : await selected(log, stored, topics, options, patience)
  if (found.length === 0 && !signal.aborted) {
    throw new TidemarkError('USAGE', 'nothing is stored for the group, and no topic is named', {
      group,
      hint: 'Name the topics to read: --topic orders',
    })
  }
  return [...new Map(found.map(({ topic, partition }) => [keyOf({ topic, partition }), { topic, partition }])).values()].toSorted(
    byPartition,
  )
}

/** The partitions of the job's topics as the cluster lists them now; none where it can't be asked: the reader says that it is away. */
export async function listedNow(log: Log, { topics }: JobOptions): Promise<TopicPartition[]> {
  if (topics === undefined) return []
  const selection = parseSelection(topics)
  const names = selection.map(({ topic }) => topic)
  const descriptions = await log.topics(names).catch(() => [])
  return descriptions.flatMap(partitionsOf).filter((partition) => selects(selection, partition))
}

async function selected(log: Log, stored: readonly TopicPartition[], topics: readonly string[], options: JobOptions, patience: Patience) {
  const selection = parseSelection(topics)
  const ours = stored.filter((custody) => selects(selection, custody))
  const names = selection.map(({ topic }) => topic)
  const listed = await described(log, names, new Set(ours.map(({ topic }) => topic)), options, patience)
  const named = selection.flatMap(({ topic, partitions = [] }) => partitions.map((partition) => ({ topic, partition })))
  return [...ours, ...listed.filter((partition) => selects(selection, partition)), ...named]
}

/** A topic that does not exist is an error on a second look; one that can't be described is waited for. */
async function described(
  log: Log,
  names: readonly string[],
  stored: ReadonlySet<string>,
  options: JobOptions,
  patience: Patience,
): Promise<TopicPartition[]> {
  const { group, clock, signal, secondLookMs = 2_000, onNotice } = options
  for (let looks = 1; ; looks++) {
    const descriptions = await patiently('Kafka', patience, () => log.topics(names))
    const open = descriptions.filter(({ state, topic }) => state !== 'known' && !stored.has(topic))
    const absent = open.find(({ state }) => state === 'absent')
    if (open.length === 0 || signal.aborted) return descriptions.flatMap(partitionsOf)
    if (absent !== undefined && looks > 1) {
      throw new TidemarkError('TOPIC_NOT_FOUND', 'there is no such topic in the cluster, and nothing is stored of it', {
        group,
        topic: absent.topic,
        hint: 'Check the name and the bootstrap server',
      })
    }
    for (const one of open) {
      if (one.state === 'unknown')
        onNotice({ kind: 'waiting', text: `waiting for topic ${one.topic}: ${one.reason}: ${one.detail}`, topic: one.topic })
    }
    await clock.sleep(secondLookMs, signal)
  }
}

function partitionsOf(description: TopicDescription): TopicPartition[] {
  if (description.state !== 'known') return []
  return description.partitions.map((partition) => ({ topic: description.topic, partition }))
}
