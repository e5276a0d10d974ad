import type { Planned } from '../core/custody.ts'
import type { OffsetRange } from '../core/position.ts'
import { keyOf } from '../core/position.ts'
import { TidemarkError } from '../errors.ts'
import { printRange } from '../job/batch.ts'

/** Puts the ranges of one partition together, in the order in which they were done. @throws TidemarkError RANGE_REFUSED for a gap, an overlap or an offset that is none */
export function joined(ranges: readonly OffsetRange[], fromOffset: number, group: string): number {
  let at = fromOffset
  for (const range of ranges) {
    if (!isRange(range)) throw refused(range, group, 'is no range of offsets')
    if (range.fromOffset > at) throw refused(range, group, `leaves a gap: the partition stands at ${at}`)
    if (range.fromOffset < at) throw refused(range, group, `overlaps what is done: the partition stands at ${at}`)
    at = range.untilOffset
  }
  return at
}

/** @throws TidemarkError RANGE_REFUSED for what goes beyond the plan, or without one beyond the log end */
export function assertDue(range: OffsetRange, planned: Planned | undefined, logEndOffset: number, group: string): void {
  if (planned !== undefined && range.untilOffset > planned.untilOffset)
    throw refused(range, group, `goes beyond what was planned, which ends at ${planned.untilOffset}`)
  if (planned === undefined && range.untilOffset > logEndOffset) throw refused(range, group, `goes beyond the log end ${logEndOffset}`)
}

/** RANGE_REFUSED: nothing was saved. */
export function refused(range: OffsetRange, group: string, why: string): TidemarkError {
  const { topic, partition } = range
  return new TidemarkError('RANGE_REFUSED', `the range ${printRange(range)} that was reported as done ${why}; nothing was saved`, {
    group,
    topic,
    partition,
    hint: `Look at ${keyOf(range)} with explain; work that begins where the partition stands is taken`,
  })
}

function isRange({ fromOffset, untilOffset }: OffsetRange): boolean {
  return Number.isSafeInteger(fromOffset) && Number.isSafeInteger(untilOffset) && fromOffset >= 0 && untilOffset >= fromOffset
}
