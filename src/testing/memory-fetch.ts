import type { Isolation } from '../kafka/log.ts'
import type { MemoryLog } from './memory-log.ts'
import type { MemoryBatch, MemoryPartition } from './memory-partition.ts'

/** What a fetch asks of one partition. */
export interface FetchQuestion {
  readonly topicId: string
  readonly partition: number
  /** The leader epoch that the reader knows; undefined: none. */
  readonly leaderEpoch: number | undefined
  readonly offset: number
  /** The epoch of the last batch read; undefined: not known. */
  readonly lastFetchedEpoch: number | undefined
  readonly maxBytes: number
}

/** What a broker answers of one partition. */
export type Fetched =
  | { readonly state: 'error'; readonly error: string }
  | { readonly state: 'diverging'; readonly epoch: number; readonly endOffset: number }
  | { readonly state: 'read'; readonly logEndOffset: number; readonly batches: readonly MemoryBatch[] }

/** Answers a fetch as a broker does that leads the partition, or thinks that it does. */
export function fetchAt(log: MemoryLog, broker: number, isolation: Isolation, question: FetchQuestion): Fetched {
  const found = log.topicById(question.topicId)?.partitions[question.partition]
  if (found === undefined) return { state: 'error', error: 'UNKNOWN_TOPIC_ID' }
  const leader = found.at(broker)
  const error = leaderError(leader, question.leaderEpoch)
  if (error !== undefined) return { state: 'error', error }
  return read(leader as MemoryPartition, isolation, question)
}

/** Kafka's name of the error by which a broker refuses a request, going by the leader epoch that the asker knows (KIP-320). */
export function leaderError(leader: MemoryPartition | undefined, known: number | undefined): string | undefined {
  if (leader === undefined) return 'NOT_LEADER_OR_FOLLOWER'
  if (known === undefined || known === leader.leaderEpoch) return undefined
  return known < leader.leaderEpoch ? 'FENCED_LEADER_EPOCH' : 'UNKNOWN_LEADER_EPOCH'
}

/** As Partition.readRecords: what the last epoch says comes first, then the range (KIP-595). */
function read(leader: MemoryPartition, isolation: Isolation, { offset, lastFetchedEpoch, maxBytes }: FetchQuestion): Fetched {
  const outOfRange: Fetched = { state: 'error', error: 'OFFSET_OUT_OF_RANGE' }
  if (offset < leader.logStartOffset) return outOfRange
  if (lastFetchedEpoch !== undefined) {
    const { epoch, endOffset } = leader.endOf(lastFetchedEpoch)
    if (epoch === -1) return outOfRange
    if (epoch < lastFetchedEpoch || endOffset < offset) return { state: 'diverging', epoch, endOffset }
  }
  if (offset > leader.writtenUntil) return outOfRange
  return { state: 'read', logEndOffset: leader.logEndOffset, batches: leader.read(offset, maxBytes, isolation) }
}
