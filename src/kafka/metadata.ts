import { createAPI, metadataV12 } from '@platformatic/kafka'
import type { Address } from './address.ts'
import { Bytes } from './bytes.ts'
import { errorName } from './protocol.ts'
import type { Call } from './protocol.ts'

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

/** Topics with their IDs, partitions and leaders, and the brokers. Version 12 is the first to answer by name with topic IDs throughout (KIP-516). */
export const metadata: Call<Parameters<typeof metadataV12.createRequest>, Metadata> = {
  name: 'Metadata',
  versions: [
    createAPI(3, 12, metadataV12.createRequest, (_id, _key, _version, reader) =>
      decode(new Bytes(Buffer.from(reader.buffer.slice(reader.position)))),
    ),
  ],
}

/** The same with topics that were not asked about, since no topic may have such a name. */
export function withIllegal(heard: Metadata, names: readonly string[]): Metadata {
  const illegal = names.map((name) => [name, failed('INVALID_TOPIC_EXCEPTION')] as const)
  return illegal.length === 0 ? heard : { ...heard, topics: new Map([...heard.topics, ...illegal]) }
}

function failed(error: string): TopicMetadata {
  return { error, topicId: '', partitions: new Map() }
}

function decode(bytes: Bytes): Metadata {
  bytes.int32() // the throttle time: the broker has waited already
  const brokers = new Map<number, Address>()
  for (let left = bytes.length(); left > 0; left--) {
    const nodeId = bytes.int32()
    brokers.set(nodeId, { host: bytes.text(), port: bytes.int32() })
    bytes.text() // the rack
    bytes.skipTags()
  }
  const clusterId = bytes.text()
  bytes.int32() // the controller
  const topics = new Map<string, TopicMetadata>()
  for (let left = bytes.length(); left > 0; left--) {
    const error = errorName(bytes.int16())
    topics.set(bytes.text(), decodeTopic(bytes, error))
  }
  return { clusterId, brokers, topics }
}

function decodeTopic(bytes: Bytes, error: string): TopicMetadata {
  const uuid = bytes.uuid()
  const topicId = uuid === NO_ID ? '' : uuid
  bytes.skip(1) // whether it is internal
  const { at } = bytes
  for (let left = bytes.length(); left > 0; left--) skipPartition(bytes)
  bytes.int32() // the operations that are allowed
  bytes.skipTags()
  let partitions: TopicMetadata['partitions'] | undefined
  return {
    error,
    topicId,
    // When asked for: of what is heard after a question only the IDs are looked at.
    get partitions() {
      partitions ??= decodePartitions(new Bytes(bytes.from, at))
      return partitions
    },
  }
}

function skipPartition(bytes: Bytes): void {
  bytes.skip(14)
  for (let lists = 3; lists > 0; lists--) bytes.skip(4 * Math.max(0, bytes.length())) // replicas, those in sync, those away
  bytes.skipTags()
}

function decodePartitions(bytes: Bytes): Map<number, PartitionMetadata> {
  const partitions = new Map<number, PartitionMetadata>()
  for (let left = bytes.length(); left > 0; left--) {
    const { view, at } = bytes
    const error = errorName(view.getInt16(at))
    partitions.set(view.getInt32(at + 2), { error, leaderId: view.getInt32(at + 6), leaderEpoch: view.getInt32(at + 10) })
    skipPartition(bytes)
  }
  return partitions
}
