import type { AbsentFacts, UnknownFacts } from '../core/facts.ts'
import type { TopicPartition } from '../core/position.ts'
import { isAbsent, topicIn, type Metadata } from './metadata.ts'

/** A partition at its leader: what a request to the leader names. `item` is what is asked about it. */
export interface Stop<Item extends TopicPartition = TopicPartition> extends TopicPartition {
  readonly state: 'stop'
  readonly clusterId: string
  readonly topicId: string
  readonly leaderId: number
  /** Goes into every request as currentLeaderEpoch, so that a leader of another epoch refuses (KIP-320). */
  readonly leaderEpoch: number
  readonly item: Item
}

/** Where a partition is to be asked, or why it can't be. */
export type Place<Item extends TopicPartition> = Stop<Item> | AbsentFacts | UnknownFacts

/** Finds a partition's leader in what a broker said. */
export function locate<Item extends TopicPartition>(metadata: Metadata, item: Item): Place<Item> {
  const { topic, partition } = item
  const { clusterId } = metadata
  const found = topicIn(metadata, topic)
  if (isAbsent(found)) return { state: 'absent', topic, partition, clusterId }
  if (found.error !== 'NONE') return unknown(item, clusterId, found.error, `the cluster answered ${found.error} for the topic`)
  const { topicId, partitions } = found
  const leader = partitions.get(partition)
  if (leader === undefined) return { state: 'absent', topic, partition, clusterId, partitionCount: partitions.size, topicId }
  if (leader.leaderId < 0) return unknown(item, clusterId, 'NO_LEADER', `no broker leads the partition now (${leader.error})`)
  return { state: 'stop', topic, partition, clusterId, topicId, leaderId: leader.leaderId, leaderEpoch: leader.leaderEpoch, item }
}

/** Why a partition's facts can't be had. */
export function unknown({ topic, partition }: TopicPartition, clusterId: string, reason: string, detail: string): UnknownFacts {
  return { state: 'unknown', topic, partition, clusterId, reason, detail }
}
