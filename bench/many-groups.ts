import { randomUUID } from 'node:crypto'
import { Admin } from '@platformatic/kafka'
import type { TopicPartition } from '../src/core/position.ts'
import { connect, openStore } from '../src/index.ts'
import { PARTITIONS_EACH, TOPICS } from './many-partitions.ts'

/** How many groups share the partitions of `many-partitions.ts`, and where each of them stands. */
export const GROUPS = 1_000
export const PARTITIONS_PER_GROUP = (TOPICS.length * PARTITIONS_EACH) / GROUPS
const OFFSET = 5

/** Stores the groups' offsets with the identity that a job stores. */
export async function storeGroups(url: string, bootstrapServers: string): Promise<void> {
  await using log = await connect({ bootstrapServers })
  await using store = await openStore(url)
  const descriptions = new Map((await log.topics(TOPICS)).map((description) => [description.topic, description]))
  const now = Date.now()
  for (let group = 0; group < GROUPS; group++) {
    const writes = (await store.load(nameOf(group), placesOf(group))).map(({ topic, partition, revision }) => {
      const description = descriptions.get(topic)
      if (description?.state !== 'known') throw new Error(`${topic} is not known`)
      const identity = {
        topicId: description.topicId,
        clusterId: description.clusterId,
        leaderEpoch: 0,
        epochs: [{ epoch: 0, startOffset: 0 }],
      }
      const position = { offset: OFFSET, ...identity, recordTime: now, commitTime: now, committedBy: 'bench' }
      return { topic, partition, expected: revision, position, ownerEpoch: 1, owner: 'bench', saveId: randomUUID(), ledger: [] }
    })
    await store.save(nameOf(group), writes)
  }
}

/** Commits the same offsets in Kafka's own groups. */
export async function commitGroups(bootstrapServers: string): Promise<void> {
  const admin = new Admin({ clientId: 'bench', bootstrapBrokers: bootstrapServers.split(','), retries: 20, retryDelay: 200 })
  for (let group = 0; group < GROUPS; group++) {
    const places = placesOf(group)
    const partitionOffsets = places.map(({ partition }) => ({ partition, offset: BigInt(OFFSET) }))
    await admin.alterConsumerGroupOffsets({ groupId: nameOf(group), topics: [{ name: places[0]?.topic ?? '', partitionOffsets }] })
  }
  await admin.close()
}

function nameOf(group: number): string {
  return `group-${group}`
}

function placesOf(group: number): TopicPartition[] {
  const topic = TOPICS[group % TOPICS.length] ?? ''
  const first = Math.floor(group / TOPICS.length) * PARTITIONS_PER_GROUP
  return Array.from({ length: PARTITIONS_PER_GROUP }, (_, index) => ({ topic, partition: first + index }))
}
