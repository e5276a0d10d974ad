import { MAX_EPOCHS } from '../core/position.ts'
import type { EpochStart, Position, TopicPartition } from '../core/position.ts'
import type { Planned } from '../core/custody.ts'
import type { Slice } from '../kafka/log.ts'
import type { Write } from '../store/driver.ts'

/** A partition that this job owns: what the store holds of it, as of our last write. */
export interface Holding extends TopicPartition {
  readonly topicId: string
  readonly clusterId: string
  readonly ownerEpoch: number
  /** The leader's epoch when the partition was settled: whatever lies below the position was of its history then. */
  readonly leaderEpoch: number
  readonly position: Position
  readonly revision: string
  /** The planned range that is stored; a batch that was planned before a crash is run again as it was. */
  readonly planned?: Planned | undefined
}

/** The last dispute of a partition: why, at which offset, and read on with which epoch. */
export interface Doubt {
  readonly reason: string
  readonly offset: number
  readonly epoch: number | undefined
  /** The one before it was the same. */
  readonly isRepeated: boolean
}

/** What is remembered of a dispute. */
export function doubtOf(reason: string, holding: Holding, before: Doubt | undefined): Doubt {
  const { offset } = holding.position
  const epoch = readingEpoch(holding, before)
  return { reason, offset, epoch, isRepeated: before?.reason === reason && before.offset === offset && before.epoch === epoch }
}

/**
 * The epoch to read on with, so that the broker tells of a log that is cut after it was settled. One that was disputed and found
 * valid is read on with the leader's own, which the leader knows; without any only where that is disputed again and again.
 */
export function readingEpoch({ position, leaderEpoch }: Holding, doubt: Doubt | undefined): number | undefined {
  if (doubt?.offset !== position.offset) return position.leaderEpoch ?? leaderEpoch
  return doubt.isRepeated && doubt.epoch === leaderEpoch ? undefined : leaderEpoch
}

/** What is held once a write was saved. */
export function afterWrite(holding: Holding, { position = holding.position, planned }: Write, revision: string): Holding {
  return { ...holding, revision, position, planned }
}

/** What is left of a planned range once it is done up to an offset. */
export function unfinished({ planned, position }: Holding, offset = position.offset): Planned | undefined {
  return planned !== undefined && planned.untilOffset > offset ? { fromOffset: offset, untilOffset: planned.untilOffset } : undefined
}

/** What was done of a partition: up to where, in which epochs, and the time of its last record where that is known. */
export type Done = Pick<Slice, 'untilOffset' | 'epochs' | 'recordTime'>

/** The position after a slice was handled: its identity is that of the log that the slice was read from. */
export function advance(holding: Holding, slice: Done, commitTime: number, committedBy: string): Position {
  // Of a span without a batch nobody knows the epoch; the one below it may have ended there, and would look cut off.
  const epochs = slice.epochs.length === 0 ? [] : mergeEpochs(holding.position.epochs ?? [], slice.epochs)
  return {
    offset: slice.untilOffset,
    topicId: holding.topicId,
    clusterId: holding.clusterId,
    leaderEpoch: epochs.at(-1)?.epoch,
    epochs: epochs.length === 0 ? undefined : epochs,
    recordTime: slice.recordTime ?? holding.position.recordTime,
    commitTime,
    committedBy,
  }
}

function mergeEpochs(before: readonly EpochStart[], read: readonly EpochStart[]): readonly EpochStart[] {
  const last = before.at(-1)?.epoch ?? -1
  return [...before, ...read.filter(({ epoch }) => epoch > last)].slice(-MAX_EPOCHS)
}
