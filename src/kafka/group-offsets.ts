import { keyOf, type TopicPartition } from '../core/position.ts'
import { refuse, type Coordinators } from './coordinators.ts'
import { offsetCommit } from './group-calls.ts'
import type { CommittedAnswer, CommittedOffset } from './groups.ts'
import type { GroupsTogether } from './groups-together.ts'
import { errorName } from './protocol.ts'
import { Roster } from './roster.ts'

/** A member's epoch, and its generation, of whoever is none. */
const NO_EPOCH = -1
const NOBODY = ''

type Topics = { name: string; partitionIndexes: number[] }[]

/** All that is committed in a group; of the partitions in `also` without anything, asked by name, at least why. */
export async function fetchCommitted(
  coordinators: Coordinators,
  together: GroupsTogether,
  group: string,
  also: readonly TopicPartition[] = [],
): Promise<CommittedAnswer[]> {
  const all = await fetchTopics(coordinators, together, group, null)
  const known = new Set(all.map(keyOf))
  const missing = also.filter((partition) => !known.has(keyOf(partition)))
  if (missing.length === 0) return all
  const topics = new Roster(missing)
    .topics(({ partition }) => partition)
    .map(({ name, partitions }) => ({ name, partitionIndexes: partitions }))
  const named = await fetchTopics(coordinators, together, group, topics)
  // Asked by name, a partition of which nothing is committed has the offset -1.
  return [...all, ...named.filter((answer) => 'error' in answer || answer.offset !== -1n)]
}

async function fetchTopics(
  coordinators: Coordinators,
  together: GroupsTogether,
  group: string,
  topics: Topics | null,
): Promise<CommittedAnswer[]> {
  const request = { groupId: group, memberId: null, memberEpoch: NO_EPOCH, topics }
  const answer = await coordinators.ask(
    group,
    (send, nodeId) => together.ask(nodeId, send, request),
    (found) => (found === undefined ? 'NO_ANSWER' : errorName(found.errorCode)),
  )
  const error = answer === undefined ? 'NO_ANSWER' : errorName(answer.errorCode)
  // A coordinator that never heard of the group.
  if (error === 'GROUP_ID_NOT_FOUND') return []
  refuse(group, error)
  return (answer?.topics ?? []).flatMap(({ name: topic, partitions }) =>
    partitions.map(({ partitionIndex: partition, errorCode, committedOffset: offset, committedLeaderEpoch: leaderEpoch, metadata }) =>
      errorCode === 0
        ? { topic, partition, offset, leaderEpoch, metadata: metadata ?? '' }
        : { topic, partition, error: errorName(errorCode) },
    ),
  )
}

/** Commits from outside; Kafka's name of the error for each offset, in order. */
export async function commitOffsets(coordinators: Coordinators, group: string, offsets: readonly CommittedOffset[]): Promise<string[]> {
  const roster = new Roster(offsets)
  const topics = roster.topics(({ partition, offset, leaderEpoch, metadata }) => ({
    partitionIndex: partition,
    committedOffset: offset,
    committedLeaderEpoch: leaderEpoch,
    committedMetadata: metadata,
  }))
  const answer = await coordinators.ask(
    group,
    (send) => send(offsetCommit, [group, NO_EPOCH, NOBODY, null, topics]),
    // What stands for the group is said of each of its partitions.
    (found) => errorName(found.topics[0]?.partitions[0]?.errorCode ?? 0),
  )
  const errors = offsets.map(() => 'NO_ANSWER')
  for (const { name, partitions } of answer.topics) {
    for (const { partitionIndex, errorCode } of partitions) {
      const index = roster.indexOf(name, partitionIndex)
      if (index >= 0) errors[index] = errorName(errorCode)
    }
  }
  return errors
}
