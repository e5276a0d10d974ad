import { MAX_EPOCHS } from '../core/position.ts'
import type { EpochStart, Position, TopicPartition } from '../core/position.ts'
import type { Planned } from '../core/custody.ts'
import type { Slice } from '../kafka/log.ts'

/** A partition that this job owns: what the store holds of it, as of our last write. */
export interface Holding extends TopicPartition {
  readonly topicId: string
  readonly clusterId: string
  readonly ownerEpoch: number
  readonly position: Position
  readonly revision: string
  /** The planned range that is stored; a batch that was planned before a crash is run again as it was. */
  readonly planned?: Planned | undefined
}

/** The position after a slice was handled: its identity is that of the log that the slice was read from. */
export function advance(holding: Holding, slice: Slice, commitTime: number, committedBy: string): Position {
  const epochs = mergeEpochs(holding.position.epochs ?? [], slice.epochs)
  return {
    offset: slice.untilOffset,
    topicId: holding.topicId,
    clusterId: holding.clusterId,
    leaderEpoch: epochs.at(-1)?.epoch ?? holding.position.leaderEpoch,
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
