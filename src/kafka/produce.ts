import { produceV10, produceV11, produceV9 } from '@platformatic/kafka'
import { TidemarkError } from '../errors.ts'
import type { Cluster } from './cluster.ts'
import type { OutgoingRecord } from './log.ts'
import { errorName } from './protocol.ts'
import type { Call } from './protocol.ts'

const ALL_IN_SYNC = -1
const PURPOSE = 'produce'

/** Version 9 (Kafka 2.4) to 11: all alike for us. */
const produce: Call<Parameters<typeof produceV11.createRequest>, boolean | ReturnType<typeof produceV11.parseResponse>> = {
  name: 'Produce',
  versions: [produceV11.api, produceV10.api, produceV9.api],
}

/**
 * Writes records to a topic that exists, and resolves when every replica in sync has them. Sent again after a lost
 * connection they may be there twice: readers of a dead-letter topic go by the headers.
 * @throws TidemarkError KAFKA_UNREACHABLE where trying again may help; TOPIC_NOT_FOUND, KAFKA_DENIED, KAFKA_FAILED
 */
export async function produceRecords(
  cluster: Cluster,
  topic: string,
  records: readonly OutgoingRecord[],
  timeoutMs: number,
): Promise<void> {
  await cluster.refresh([topic])
  const partitions = [...(cluster.topicOf(topic)?.partitions.keys() ?? [])].toSorted((a, b) => a - b)
  if (partitions.length === 0) {
    throw new TidemarkError('TOPIC_NOT_FOUND', 'there is no such topic to write to', {
      topic,
      hint: 'Create it first: Tidemark creates no topics',
    })
  }
  const byNode = new Map<number, object[]>()
  for (const { partition, key, value, headers } of records) {
    const target = partitions[partition % partitions.length] as number
    const leader = cluster.leaderOf(topic, target)
    if (leader === undefined)
      throw new TidemarkError('KAFKA_UNREACHABLE', 'the partition to write to has no leader', { topic, partition: target })
    const message = {
      topic,
      partition: target,
      key: key ?? undefined,
      value,
      headers: new Map(headers.map(([name, bytes]) => [Buffer.from(name), bytes])),
    }
    byNode.set(leader.nodeId, [...(byNode.get(leader.nodeId) ?? []), message])
  }
  for (const [nodeId, messages] of byNode) {
    const args = [ALL_IN_SYNC, timeoutMs, messages, {}] as Parameters<typeof produceV11.createRequest>
    refuseErrors(topic, await cluster.send(nodeId, produce, args, { purpose: PURPOSE }))
  }
}

function refuseErrors(topic: string, response: boolean | ReturnType<typeof produceV11.parseResponse>): void {
  if (typeof response === 'boolean') return // only without acknowledgements
  for (const { index, errorCode } of response.responses.flatMap(({ partitionResponses }) => partitionResponses)) {
    const error = errorName(errorCode)
    if (error === 'NONE') continue
    const code = PASSING.has(error) ? 'KAFKA_UNREACHABLE' : error.endsWith('AUTHORIZATION_FAILED') ? 'KAFKA_DENIED' : 'KAFKA_FAILED'
    throw new TidemarkError(code, `the records could not be written: ${error}`, { topic, partition: index })
  }
}

const PASSING: ReadonlySet<string> = new Set([
  'NOT_LEADER_OR_FOLLOWER',
  'LEADER_NOT_AVAILABLE',
  'NOT_ENOUGH_REPLICAS',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'REQUEST_TIMED_OUT',
  'KAFKA_STORAGE_ERROR',
  'UNKNOWN_TOPIC_OR_PARTITION',
])
