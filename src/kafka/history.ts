import type { EpochEnd } from '../core/facts.ts'
import { MAX_EPOCHS } from '../core/position.ts'
import type { EpochStart, OffsetRange } from '../core/position.ts'

/**
 * Which epoch to ask the leader about next, to learn in which epochs a range lies; undefined: none. The answer about an epoch says
 * where the next one that is known begins, so the walk goes from the current epoch back until one begins at or below the range.
 * @param leaderEpoch the current leader's epoch
 * @param fromOffset where the range begins
 * @param ends the leader's answers, newest epoch first
 */
export function olderEpoch(leaderEpoch: number, fromOffset: number, ends: readonly EpochEnd[]): number | undefined {
  const last = ends.at(-1)
  if (last === undefined) return before(leaderEpoch)
  const isThere = last.endOffset <= fromOffset || last.endOffset === ends.at(-2)?.endOffset // the same answer twice: the leader knows none older
  return isThere || ends.length === MAX_EPOCHS ? undefined : before(last.epoch)
}

/** The epochs of a range as the leader's answers tell them. */
export function epochsIn(
  { fromOffset, untilOffset }: OffsetRange,
  leaderEpoch: number,
  ends: readonly EpochEnd[],
): { readonly epochs: readonly EpochStart[]; readonly isWhole: boolean } {
  const starts = [leaderEpoch, ...ends.map(({ epoch }) => epoch)].map((epoch, index) => ({
    epoch,
    startOffset: startOf(epoch, ends[index]),
  }))
  const known = starts.flatMap(({ epoch, startOffset }, index) => {
    const endOffset = ends[index - 1]?.endOffset ?? Number.POSITIVE_INFINITY
    return startOffset !== undefined && startOffset < endOffset && endOffset > fromOffset ? [{ epoch, startOffset }] : []
  })
  const epochs = known
    .filter(({ startOffset }) => startOffset < untilOffset)
    .map(({ epoch, startOffset }) => ({ epoch, startOffset: Math.max(startOffset, fromOffset) }))
  return { epochs: epochs.toReversed(), isWhole: (known.at(-1)?.startOffset ?? Number.POSITIVE_INFINITY) <= fromOffset }
}

/** Epoch 0 is a partition's first. Of the others the answer about the epoch before says where they begin. */
function startOf(epoch: number, end: EpochEnd | undefined): number | undefined {
  return epoch === 0 ? 0 : end?.endOffset
}

function before(epoch: number): number | undefined {
  return epoch > 0 ? epoch - 1 : undefined
}
