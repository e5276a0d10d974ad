import type { Facts } from '../core/facts.ts'
import type { MarginQuestion, RetentionFacts } from '../core/margin.ts'
import type { EpochStart, OffsetRange, TopicPartition } from '../core/position.ts'
import type { Groups } from './groups.ts'

/**
 * The contract between the verbs and the log: kafka/ implements it over real brokers, testing/memory-log.ts in memory
 * for simulation. Everything that leaves it is plain data; no type of the client library passes through.
 */
export interface Log {
  /** What the cluster says of topics: of those named, or of all. Never creates one. One bad topic never spoils another's answer. */
  topics(names?: readonly string[], options?: AskOptions): Promise<TopicDescription[]>
  /** The node IDs of the brokers that are up; absent of a log that is no cluster. @throws TidemarkError as topics does */
  readonly brokerIds?: ((options?: AskOptions) => Promise<number[]>) | undefined
  /** Facts of any number of partitions in O(brokers) requests, one answer per question, in order. Rejects only when no broker at all can be asked: KAFKA_UNREACHABLE, KAFKA_DENIED. */
  facts(questions: readonly FactsQuestion[], options?: FactsOptions): Promise<Facts[]>
  /** The first offset whose record time is at or after `timestamp` (ms), or null where there is none; or why it could not be had. One answer per question, in order. */
  offsetsAt(questions: readonly TimeQuestion[], options?: AskOptions): Promise<TimeAnswer[]>
  /** Which leader epochs ranges of distinct partitions lie in, in O(brokers) requests a round and a bounded number of rounds: for work whose records another program reads. One answer per range, in order. */
  epochs(ranges: readonly OffsetRange[], options?: AskOptions): Promise<EpochsAnswer[]>
  /** A look into the log itself: the batch that holds an offset, or the first one above it. Needs READ on the topic. One answer per question, in order. */
  batches(questions: readonly BatchQuestion[], options?: AskOptions): Promise<BatchAnswer[]>
  /** Writes records to a topic that exists, and resolves when they are safe there. @throws TidemarkError KAFKA_UNREACHABLE, TOPIC_NOT_FOUND, KAFKA_DENIED, KAFKA_FAILED */
  produce(topic: string, records: readonly OutgoingRecord[]): Promise<void>
  /** What there is to know about what retention removes, in O(brokers) requests a round and a bounded number of rounds, one answer per question, in order; absent of a log that removes nothing by itself. */
  readonly retention?: ((questions: readonly MarginQuestion[], options: RetentionOptions) => Promise<RetentionAnswer[]>) | undefined
  /** The cluster's own groups and their committed offsets; absent of a log that is no cluster. */
  readonly groups?: Groups | undefined
  /** Opens a reader for a job. */
  reader(options: ReaderOptions): LogReader
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export interface AskOptions {
  readonly signal?: AbortSignal | undefined
}

export interface FactsOptions extends AskOptions {
  /** Ask for the last stable offset too. */
  readonly lastStableOffset?: boolean | undefined
  /** Prefer another broker for the metadata than last time: the second look. */
  readonly elsewhere?: boolean | undefined
}

/** One partition to ask about, with the stored epochs to test against the leader's history. */
export interface FactsQuestion extends TopicPartition {
  /** The stored epochs, oldest first, as a Position keeps them. Older ones are asked only while newer ones diverge. */
  readonly epochs?: readonly EpochStart[] | undefined
  /** The committed offset, to know whether an epoch's answer diverges. */
  readonly offset?: number | undefined
}

export interface TimeQuestion extends TopicPartition {
  readonly timestamp: number
}

export type TimeAnswer =
  | (TopicPartition & { readonly state: 'known'; readonly offset: number | null })
  | (TopicPartition & { readonly state: 'unknown'; readonly reason: string })

export interface RetentionOptions extends AskOptions {
  /** ms since 1970. */
  readonly now: number
}

export type RetentionAnswer =
  | (TopicPartition & { readonly state: 'known'; readonly facts: RetentionFacts })
  | (TopicPartition & { readonly state: 'unknown'; readonly reason: string; readonly detail: string })

export type EpochsAnswer =
  | (TopicPartition & {
      readonly state: 'known'
      readonly topicId: string
      /** The epochs that the range lies in, oldest first, each with the first offset of the range that is its. */
      readonly epochs: readonly EpochStart[]
      /** False where the leader's history was not followed back to the beginning of the range: older epochs may be missing. */
      readonly isWhole: boolean
    })
  | (TopicPartition & { readonly state: 'unknown'; readonly reason: string })

/** Where to look into the log. */
export interface BatchQuestion extends TopicPartition {
  readonly offset: number
}

export type BatchAnswer =
  /** `batch` null: there is none at or above the offset. */
  | (TopicPartition & { readonly state: 'known'; readonly topicId: string; readonly batch: LogBatch | null })
  | (TopicPartition & { readonly state: 'unknown'; readonly reason: string; readonly detail: string })

/** One record batch, as it lies in the log. */
export interface LogBatch {
  readonly baseOffset: number
  /** The last offset that the batch covers, whether or not a record is left at it. */
  readonly lastOffset: number
  /** ms since 1970. */
  readonly maxTimestamp: number
  /** LogAppendTime: the broker stamped the records when it wrote them. */
  readonly timestampType: 'CreateTime' | 'LogAppendTime'
  /** Markers of transactions, which are no records. */
  readonly isControl: boolean
  readonly records: readonly RecordSummary[]
}

/** What there is to say of a record without its value. */
export interface RecordSummary {
  readonly offset: number
  /** ms since 1970. */
  readonly timestamp: number
  /** Its first 64 bytes. */
  readonly key: Buffer | null
  /** Key and value. */
  readonly bytes: number
}

export type TopicDescription =
  | {
      readonly state: 'known'
      readonly topic: string
      readonly topicId: string
      readonly clusterId: string
      readonly partitions: readonly number[]
    }
  | { readonly state: 'absent'; readonly topic: string; readonly clusterId: string }
  | { readonly state: 'unknown'; readonly topic: string; readonly reason: string; readonly detail: string }

/** A record to write. Goes to the partition of that number, counted round where the topic has fewer. */
export type OutgoingRecord = Pick<KafkaRecord, 'partition' | 'key' | 'value' | 'headers'>

export type Isolation = 'read_committed' | 'read_uncommitted'

export interface ReaderOptions {
  readonly isolation: Isolation
  /** Bytes that may be buffered over all partitions. */
  readonly maxBufferedBytes: number
}

/** Where a partition is read from. */
export interface StartAt extends TopicPartition {
  readonly offset: number
  readonly topicId: string
  /** The epoch of the last batch below `offset`, so that the broker can tell us of a divergence (KIP-595's lastFetchedEpoch); undefined: not known. */
  readonly leaderEpoch?: number | undefined
}

/**
 * Reads assigned partitions ahead, within bounds. Progress is by offsets, never by counting: a slice may hold fewer
 * records than its range spans (compaction, aborted transactions, control batches), or none.
 */
export interface LogReader {
  /** Starts reading a partition there; one that is being read starts over. */
  assign(start: StartAt): void
  /** Stops reading a partition and forgets what is buffered of it. */
  drop(partition: TopicPartition): void
  /** What there is to read now, within the limits, shared so that each partition with records gets some; waits at most `maxWaitMs` for the first. */
  take(limits: TakeLimits, signal?: AbortSignal): Promise<Taken>
  /** Exactly these ranges, however long it takes, or the disputes that prevent it. For a batch that was planned before a crash. */
  takeRanges(ranges: readonly OffsetRange[], signal?: AbortSignal): Promise<Taken>
  /** The log end of a partition that is being read, as the last fetch told it; undefined: none did yet. */
  logEndOffset(partition: TopicPartition): number | undefined
  close(): Promise<void>
}

export interface TakeLimits {
  readonly maxRecords: number
  readonly maxBytes: number
  readonly maxWaitMs: number
  /** Take nothing of these, by `topic-partition` key. */
  readonly skip?: ReadonlySet<string> | undefined
  /** Where one batch can't hold all that there is, take of half of the partitions only, so that another one can be had of the others. */
  readonly halve?: boolean | undefined
  /** Don't take beyond these offsets, by `topic-partition` key. */
  readonly until?: ReadonlyMap<string, number> | undefined
}

export interface Taken {
  readonly slices: readonly Slice[]
  /** Partitions whose facts changed while reading; they are no longer read, and go, alone, back to reconcile. */
  readonly disputes: readonly Dispute[]
  /** What the reader waits for, for people to read: a leader that is away, brokers out of reach. */
  readonly waiting: readonly Waiting[]
}

export interface Waiting extends TopicPartition {
  readonly reason: string
}

/** A span of one partition with its records. */
export interface Slice extends OffsetRange {
  readonly records: Iterable<KafkaRecord>
  /** How many records `records` yields. */
  readonly recordCount: number
  readonly bytes: number
  /** The leader epochs whose batches lie in the span, with the first offset read in each, oldest first. Empty where the span holds no batch. */
  readonly epochs: readonly EpochStart[]
  /** The timestamp of the last record, ms; undefined where there is none. */
  readonly recordTime?: number | undefined
  /** Its memory may be used again: nobody looks at its records any more. Where it is never called, the memory goes as all memory does. */
  release?(): void
}

export interface Dispute extends TopicPartition {
  /** Kafka's name of the error, or DIVERGING_EPOCH, or RECORD_CORRUPT. */
  readonly reason: string
  readonly detail: string
  /** With RECORD_CORRUPT: the batch that can't be read, as it came. */
  readonly unreadable?: Unreadable | undefined
}

/** A span of offsets whose records can't be read. */
export interface Unreadable {
  readonly fromOffset: number
  readonly untilOffset: number
  readonly bytes: Buffer
}

/** One record. `key` and `value` are views into the fetched batch: copy them to keep them longer than the batch; they are empty once it is done. */
export interface KafkaRecord extends TopicPartition {
  readonly offset: number
  /** ms since 1970. */
  readonly timestamp: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: ReadonlyArray<readonly [string, Buffer | null]>
}
