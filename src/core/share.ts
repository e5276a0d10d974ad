import type { OffsetRange, TopicPartition } from './position.ts'

/** A partition that has something to be done, or not. */
export interface Backlog extends TopicPartition {
  /** Where it stands. */
  readonly fromOffset: number
  /** Where it ends. */
  readonly endOffset: number
  /** When it was last worked on, ms since 1970; undefined: never. */
  readonly servedAt?: number | undefined
}

/**
 * Divides what may be done at once over partitions: each gets the same, one that has less leaves its rest to the others. Where there
 * is not enough for one offset each, those come first that have waited longest. One range per partition, in the order given.
 */
export function shareOut(backlogs: readonly Backlog[], maxRecords: number): OffsetRange[] {
  const shares = new Map<Backlog, number>()
  let left = maxRecords
  const open = backlogs.filter((backlog) => sizeOf(backlog) > 0).toSorted((a, b) => sizeOf(a) - sizeOf(b) || byWaiting(a, b))
  const served =
    open.length <= left
      ? open
      : backlogs
          .filter((backlog) => sizeOf(backlog) > 0)
          .toSorted(byWaiting)
          .slice(0, left)
  for (const [index, backlog] of served.entries()) {
    const share = Math.min(sizeOf(backlog), Math.floor(left / (served.length - index)))
    shares.set(backlog, share)
    left -= share
  }
  return backlogs.map((backlog) => {
    const { topic, partition, fromOffset } = backlog
    return { topic, partition, fromOffset, untilOffset: fromOffset + (shares.get(backlog) ?? 0) }
  })
}

function sizeOf({ fromOffset, endOffset }: Backlog): number {
  return Math.max(0, endOffset - fromOffset)
}

function byWaiting(a: Backlog, b: Backlog): number {
  return (a.servedAt ?? 0) - (b.servedAt ?? 0)
}

/** What is read ahead of a partition. */
interface ReadAhead {
  /** As many records, or fewer. */
  readonly bufferedOffsets: number
  readonly bufferedBytes: number
}

/** Whether more is read ahead than one batch may hold. */
export function exceeds(readings: readonly ReadAhead[], limits: { readonly maxRecords: number; readonly maxBytes: number }): boolean {
  let [offsets, bytes] = [0, 0]
  for (const { bufferedOffsets, bufferedBytes } of readings) {
    offsets += bufferedOffsets
    bytes += bufferedBytes
  }
  return offsets > limits.maxRecords || bytes > limits.maxBytes
}
