import type { metadataV12 } from '@platformatic/kafka'
import type { Address } from './address.ts'
import { errorName } from './protocol.ts'

/** The ID of a topic that has none: absent ones, and those of brokers before 2.8. */
const NO_ID = '00000000-0000-0000-0000-000000000000'

/** What one broker knows of the cluster at one moment. */
export interface Metadata {
  readonly clusterId: string
  /** The live brokers by node ID; two on one host are two. */
  readonly brokers: ReadonlyMap<number, Address>
  /** The topics that were asked for, by name; those that don't exist with their error. */
  readonly topics: ReadonlyMap<string, TopicMetadata>
}

export interface TopicMetadata {
  /** Kafka's name of the error; NONE, UNKNOWN_TOPIC_OR_PARTITION, TOPIC_AUTHORIZATION_FAILED, INVALID_TOPIC_EXCEPTION… */
  readonly error: string
  /** As a UUID with dashes; empty where there is none. */
  readonly topicId: string
  readonly partitions: ReadonlyMap<number, PartitionMetadata>
}

export interface PartitionMetadata {
  /** Kafka's name of the error; NONE, LEADER_NOT_AVAILABLE… */
  readonly error: string
  /** -1 where there is no leader. */
  readonly leaderId: number
  /** The leader's epoch; -1 where it is not known. */
  readonly leaderEpoch: number
}

/**
 * Whether Kafka lets a topic have this name. Others are not asked about: brokers answer INVALID_TOPIC_EXCEPTION, but for
 * one too long they close the connection, and the questions about other topics are lost with it.
 */
export function isTopicName(name: string): boolean {
  return /^[\w.-]{1,249}$/.test(name) && name !== '.' && name !== '..'
}

/** What was said of a topic; one that the broker left out of its answer has the error NO_ANSWER. */
export function topicIn(metadata: Metadata, name: string): TopicMetadata {
  return metadata.topics.get(name) ?? failed('NO_ANSWER')
}

/** Whether the cluster says that the topic is not there. A name that no topic may have is no more there than any other. */
export function isAbsent({ error }: TopicMetadata): boolean {
  return error === 'UNKNOWN_TOPIC_OR_PARTITION' || error === 'INVALID_TOPIC_EXCEPTION'
}

/** A broker's answer as a lookup by ID, name and number. */
export function readMetadata(response: ReturnType<typeof metadataV12.parseResponse>, illegalNames: readonly string[]): Metadata {
  return {
    clusterId: response.clusterId ?? '',
    brokers: new Map(response.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }])),
    topics: new Map([
      ...response.topics.map((topic) => [topic.name ?? '', readTopic(topic)] as const),
      ...illegalNames.map((name) => [name, failed('INVALID_TOPIC_EXCEPTION')] as const),
    ]),
  }
}

function failed(error: string): TopicMetadata {
  return { error, topicId: '', partitions: new Map() }
}

type TopicAnswer = ReturnType<typeof metadataV12.parseResponse>['topics'][number]

function readTopic({ errorCode, topicId, partitions }: TopicAnswer): TopicMetadata {
  return {
    error: errorName(errorCode),
    topicId: topicId === NO_ID ? '' : topicId,
    partitions: new Map(
      partitions.map((partition) => [
        partition.partitionIndex,
        { error: errorName(partition.errorCode), leaderId: partition.leaderId, leaderEpoch: partition.leaderEpoch },
      ]),
    ),
  }
}
