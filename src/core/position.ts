import { TidemarkError } from '../errors.ts'

/** One partition of one topic. */
export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** A leader epoch and the offset of the first record that was read in it. */
export interface EpochStart {
  readonly epoch: number
  readonly startOffset: number
}

/**
 * How far a group got in one partition. Only the offset is always there: old layouts hold a number and nothing else.
 * Offsets are non-negative safe integers; times are milliseconds since 1970.
 */
export interface Position {
  /** The committed offset: the next offset to read. */
  readonly offset: number
  /** The partitionLeaderEpoch of the last batch below the offset; of an offset that was moved, and not read up to, that of the leader whose log reached it. */
  readonly leaderEpoch?: number | undefined
  /** The most recent epochs read, oldest first, at most {@link MAX_EPOCHS}; the last one is `leaderEpoch`. */
  readonly epochs?: readonly EpochStart[] | undefined
  readonly topicId?: string | undefined
  readonly clusterId?: string | undefined
  /** The timestamp of the last record below the offset, ms. */
  readonly recordTime?: number | undefined
  /** When the offset was committed, ms. */
  readonly commitTime?: number | undefined
  /** Who committed it. */
  readonly committedBy?: string | undefined
  /** The number was found without identity, and given the one that the log had then (`repair --adopt`), ms: what was read before is not proven to be of it. */
  readonly assumedSince?: number | undefined
}

/** A span of offsets of one partition: `fromOffset` is read first, `untilOffset` is the first that is not. */
export interface OffsetRange extends TopicPartition {
  readonly fromOffset: number
  readonly untilOffset: number
}

/** How many (epoch, start offset) pairs a position keeps: enough to walk back over a few elections (KIP-101). */
export const MAX_EPOCHS = 8

/**
 * The one place where offsets are made from what others hand us.
 * @throws TidemarkError USAGE for anything but a non-negative safe integer.
 */
export function toOffset(value: number | bigint): number {
  const offset = Number(value)
  if (!Number.isSafeInteger(offset) || offset < 0) {
    throw new TidemarkError('USAGE', `${value} is no offset`, { hint: 'An offset is a whole number from 0 to 2^53 - 1' })
  }
  return offset
}

/** The offset that a store's text holds, or undefined where it is none (`-1`, text, beyond 2^53 - 1, empty): a `corrupt` verdict, never 0. */
export function parseOffset(text: string): number | undefined {
  if (!/^\d{1,16}$/.test(text)) return undefined
  const offset = Number(text)
  return Number.isSafeInteger(offset) ? offset : undefined
}

/** `topic-partition`, as Kafka prints it: a key for maps and a name in messages. */
export function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}

/** Orders by topic name, then by partition number. */
export function byPartition(a: TopicPartition, b: TopicPartition): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1
  return a.partition - b.partition
}
