import type { TopicPartition } from './position.ts'

/** What the leader answers when asked where an epoch ends (OffsetForLeaderEpoch, KIP-101/KIP-320). -1 and -1: it knows none so old, or the asked one is newer than all. */
export interface EpochEnd {
  readonly asked: number
  /** The largest epoch the leader knows that is not above the asked one; -1 where there is none. */
  readonly epoch: number
  /** Where that epoch ends; -1 where there is none. */
  readonly endOffset: number
}

/** What the cluster says of one partition now. */
export interface KnownFacts extends TopicPartition {
  readonly state: 'known'
  readonly clusterId: string
  readonly topicId: string
  readonly leaderId: number
  /** The current leader's epoch. */
  readonly leaderEpoch: number
  /** Earliest. */
  readonly logStartOffset: number
  /** Latest: the high watermark. */
  readonly logEndOffset: number
  /** Only where it was asked for. */
  readonly lastStableOffset?: number | undefined
  /** Answers for the stored epochs, in the order in which they were asked: newest first. */
  readonly epochEnds: readonly EpochEnd[]
  /** Only where it was asked for. */
  readonly below?: BelowOffset | undefined
}

/** What the log below a committed offset says of when it was written. Times are ms since 1970. */
export interface BelowOffset {
  /** The commit's time and the clock skew: what had been read then had been written by then. */
  readonly writtenBy: number
  /** The first offset below the committed one whose record is not older than that; null: there is none. */
  readonly laterFrom: number | null
  /** The first batch that is left, as far as it lies below the offset. */
  readonly first?: BatchTimes | undefined
  /** The batch just below the offset, likewise. */
  readonly last?: BatchTimes | undefined
  /** Why these two could not be had. */
  readonly unread?: string | undefined
}

/** When the records of one batch were made, or with LogAppendTime written. */
export interface BatchTimes {
  readonly fromOffset: number
  readonly toOffset: number
  /** The least time of its records. */
  readonly earliest: number
  readonly timestampType: 'CreateTime' | 'LogAppendTime'
}

/** Why the cluster could not be asked. Never a reason to write. */
export interface UnknownFacts extends TopicPartition {
  readonly state: 'unknown'
  /** The cluster ID, where at least that was learned. */
  readonly clusterId?: string | undefined
  /** Kafka's name of the error, or one of ours: NO_LEADER, UNREACHABLE, TIMED_OUT, TOPIC_ID_CHANGED, STALE_EPOCH. */
  readonly reason: string
  readonly detail: string
}

/** The cluster says that there is no such topic or partition. */
export interface AbsentFacts extends TopicPartition {
  readonly state: 'absent'
  readonly clusterId: string
  /** The topic exists, but has only that many partitions; undefined where the topic itself is gone. */
  readonly partitionCount?: number | undefined
  readonly topicId?: string | undefined
}

export type Facts = KnownFacts | UnknownFacts | AbsentFacts
