import type { EpochEnd } from '../core/facts.ts'
import type { EpochStart } from '../core/position.ts'

/**
 * Which stored epoch to ask the leader about next, after the answers so far; undefined: none. Newest first. The next older
 * one is asked only while the leader's history diverges from what was read, as KIP-101 walks back: where the leader does not
 * know the epoch, or ended it below what was read of it.
 * @param epochs the stored epochs, oldest first
 * @param offset the committed offset: how far the newest epoch was read
 * @param ends the leader's answers, newest epoch first
 */
export function nextEpoch(epochs: readonly EpochStart[], offset: number | undefined, ends: readonly EpochEnd[]): number | undefined {
  const next = epochs.at(-1 - ends.length)?.epoch
  const last = ends.at(-1)
  if (last === undefined) return next
  const readUntil = ends.length === 1 ? offset : epochs.at(1 - ends.length)?.startOffset
  const isDiverging = last.epoch !== last.asked || (readUntil !== undefined && last.endOffset < readUntil)
  return isDiverging ? next : undefined
}
