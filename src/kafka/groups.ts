import type { TopicPartition } from '../core/position.ts'

/** How a group shares its work: the classic protocol, KIP-848's, KIP-932's share groups, KIP-1071's streams groups. Share groups have no committed offsets. */
export type GroupType = 'classic' | 'consumer' | 'share' | 'streams'

/** A group as the cluster lists it. */
export interface ListedGroup {
  readonly group: string
  readonly type: GroupType
  /** Kafka's name: Empty, Stable, PreparingRebalance … */
  readonly state: string
}

/** Someone who reads for a group. */
export interface GroupMember {
  readonly memberId: string
  /** `group.instance.id`, of a static member: it stays a member for its session time-out after it stopped. */
  readonly instanceId?: string | undefined
  readonly clientId: string
  readonly host: string
}

/** What a partition's entry in a group is, unjudged: any offset, any text. */
export interface CommittedOffset extends TopicPartition {
  readonly offset: bigint
  /** -1: none. */
  readonly leaderEpoch: number
  readonly metadata: string
}

/** A committed offset, or Kafka's name of the reason why it could not be had (UNSTABLE_OFFSET_COMMIT …). */
export type CommittedAnswer = CommittedOffset | (TopicPartition & { readonly error: string })

/** Below the offset every record of a partition was dealt with by a share group (KIP-932); -1: nobody has read of it. Or Kafka's name of the reason why it could not be had. */
export type ShareStart = TopicPartition & ({ readonly startOffset: bigint } | { readonly error: string })

/**
 * The groups of a cluster. Every call is over within the cluster's time-out, and asks the group's coordinator, wherever that
 * has moved to. @throws TidemarkError KAFKA_UNREACHABLE, KAFKA_DENIED, KAFKA_UNSUPPORTED, KAFKA_FAILED
 */
export interface Groups {
  clusterId(): Promise<string>
  /** Every group that the cluster shows us: one request per broker. */
  list(): Promise<ListedGroup[]>
  /** One group as its coordinator lists it; undefined where there is none. */
  find(group: string): Promise<ListedGroup | undefined>
  /** Who is in the group now, whatever its type. */
  members(group: string): Promise<GroupMember[]>
  /** How many members each classic and consumer group has, in O(brokers) requests. */
  memberCounts(): Promise<ReadonlyMap<string, number>>
  /** Where a share group stands: all that it has in place of committed offsets. */
  shareStarts(group: string): Promise<ShareStart[]>
  /**
   * All that is committed in a group, -1 included. Of the partitions in `also` that have nothing committed it is asked once more by
   * name: there may be a transaction that commits the first offset.
   */
  committed(group: string, also?: readonly TopicPartition[]): Promise<CommittedAnswer[]>
  /**
   * Commits from outside of the group, in one request, which counts only while the group has no members. Kafka's name of the error for
   * each offset, in order; NONE where it was committed. KAFKA_UNREACHABLE: it may have been committed or not.
   */
  commit(group: string, offsets: readonly CommittedOffset[]): Promise<string[]>
}
