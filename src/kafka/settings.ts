import { ConfigResourceTypes, describeConfigsV4, describeLogDirsV4 } from '@platformatic/kafka'
import type { RetentionSettings, Unknown } from '../core/margin.ts'
import { keyOf, type TopicPartition } from '../core/position.ts'
import type { Send } from './leaders.ts'
import { errorName, type Call } from './protocol.ts'
import { Roster } from './roster.ts'

/** The settings of topics, as the broker that is asked applies them: its own defaults where the topic says nothing. */
const describeConfigs: Call<Parameters<typeof describeConfigsV4.createRequest>, ReturnType<typeof describeConfigsV4.parseResponse>> = {
  name: 'DescribeConfigs',
  versions: [describeConfigsV4.api],
}

/** What partitions take of a broker's disks. */
const describeLogDirs: Call<Parameters<typeof describeLogDirsV4.createRequest>, ReturnType<typeof describeLogDirsV4.parseResponse>> = {
  name: 'DescribeLogDirs',
  versions: [describeLogDirsV4.api],
}

const KEYS = ['cleanup.policy', 'retention.ms', 'retention.bytes', 'remote.storage.enable']

/** What a broker removes from topics, in one request; or why that is not known. */
export async function askSettings(send: Send, topics: readonly string[]): Promise<Map<string, RetentionSettings | Unknown>> {
  const resources = topics.map((resourceName) => ({
    resourceType: ConfigResourceTypes.TOPIC,
    resourceName,
    configurationKeys: KEYS,
  }))
  const { results } = await send(describeConfigs, [resources])
  return new Map(
    results.map(({ resourceName, errorCode, configs }) => [
      resourceName,
      errorCode === 0
        ? readSettings(new Map(configs.map(({ name, value }) => [name, value ?? ''])))
        : { unknown: refused('DESCRIBE_CONFIGS on the topic', errorName(errorCode)) },
    ]),
  )
}

function readSettings(values: ReadonlyMap<string, string>): RetentionSettings | Unknown {
  const cleanupPolicy = values.get('cleanup.policy')
  const [retentionMs, retentionBytes] = [Number(values.get('retention.ms')), Number(values.get('retention.bytes'))]
  if (cleanupPolicy === undefined || Number.isNaN(retentionMs) || Number.isNaN(retentionBytes)) {
    return { unknown: 'the broker left settings of the topic out of its answer' }
  }
  return {
    cleanupPolicy: cleanupPolicy.split(',').flatMap((word) => (word.trim() === '' ? [] : [word.trim()])),
    retentionMs,
    retentionBytes,
    // Not there before Kafka 3.6.
    isTiered: values.get('remote.storage.enable') === 'true',
  }
}

/** Bytes that partitions take of the broker's disks, in one request; or why that is not known. */
export async function askSizes(send: Send, partitions: readonly TopicPartition[]): Promise<Map<string, number | Unknown>> {
  if (partitions.length === 0) return new Map()
  const { errorCode, results } = await send(describeLogDirs, [new Roster(partitions).topics(({ partition }) => partition)])
  const unknown = { unknown: errorCode === 0 ? 'no log directory has it' : refused('DESCRIBE on the cluster', errorName(errorCode)) }
  const sizes = new Map<string, number | Unknown>(partitions.map((partition) => [keyOf(partition), unknown]))
  for (const { topics } of results)
    for (const { name: topic, partitions: found } of topics)
      for (const { partitionIndex: partition, partitionSize, isFutureKey } of found)
        if (!isFutureKey) sizes.set(keyOf({ topic, partition }), Number(partitionSize))
  return sizes
}

/** What the broker said no to, and where it is for want of a permission which one. */
function refused(permission: string, error: string): string {
  return error.endsWith('AUTHORIZATION_FAILED') ? `the permission ${permission} is refused (${error})` : `the broker answered ${error}`
}
