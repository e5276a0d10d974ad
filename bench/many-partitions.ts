import { randomUUID } from 'node:crypto'
import { Admin } from '@platformatic/kafka'
import { LabAdmin } from '../lab/admin.ts'
import { connect, openStore } from '../src/index.ts'

/** How many records each partition has, and where the group stands in each. */
const RECORDS = 10
const OFFSET = 5

/** The topics of `check`, and how many partitions each has. */
export const TOPICS = Array.from({ length: 20 }, (_, index) => `topic-${index}`)
export const PARTITIONS_EACH = 500

/** Creates the topics, with some records in each partition. */
export async function fillTopics(bootstrapServers: string, say: (text: string) => void): Promise<void> {
  await using admin = new LabAdmin(bootstrapServers)
  for (const topic of TOPICS) {
    say(`filling ${topic} of ${TOPICS.length}`)
    await admin.createTopic(topic, { partitions: PARTITIONS_EACH })
    await admin.produceCopies({ topic, partitions: PARTITIONS_EACH, perPartition: RECORDS, valueSize: 100, perBatch: RECORDS })
  }
}

/** Stores an offset for each partition, with the identity of the log that a job stores. */
export async function storeEverywhere(url: string, bootstrapServers: string, group: string): Promise<void> {
  await using log = await connect({ bootstrapServers })
  await using store = await openStore(url)
  const now = Date.now()
  for (const description of await log.topics(TOPICS)) {
    if (description.state !== 'known') throw new Error(`${description.topic} is ${description.state}`)
    const { topic, topicId, clusterId, partitions } = description
    const identity = { topicId, clusterId, leaderEpoch: 0, epochs: [{ epoch: 0, startOffset: 0 }] }
    const position = { offset: OFFSET, ...identity, recordTime: now, commitTime: now, committedBy: 'bench' }
    const found = await store.load(
      group,
      partitions.map((partition) => ({ topic, partition })),
    )
    const writes = found.map(({ partition, revision }) => {
      return { topic, partition, expected: revision, position, ownerEpoch: 1, owner: 'bench', saveId: randomUUID(), ledger: [] }
    })
    await store.save(group, writes)
  }
}

/** Commits the same offsets in a Kafka group, for the tool that reads those. */
export async function commitEverywhere(bootstrapServers: string, groupId: string): Promise<void> {
  const admin = new Admin({ clientId: 'bench', bootstrapBrokers: bootstrapServers.split(','), retries: 20, retryDelay: 200 })
  const partitionOffsets = Array.from({ length: PARTITIONS_EACH }, (_, partition) => ({ partition, offset: BigInt(OFFSET) }))
  await admin.alterConsumerGroupOffsets({ groupId, topics: TOPICS.map((name) => ({ name, partitionOffsets })) })
  await admin.close()
}
