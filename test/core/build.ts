import type { Custody, Stored } from '../../src/core/custody.ts'
import type { EpochEnd, Facts, KnownFacts } from '../../src/core/facts.ts'
import type { Finding, PlanContext } from '../../src/core/plan.ts'
import type { Position } from '../../src/core/position.ts'
import { judge } from '../../src/core/verdict.ts'

/** The partition that the tests of the core are about. */
export const place = { topic: 'orders', partition: 3 } as const

/** Custody with this position stored. */
export function storing(position: Partial<Position> & { offset: number }, more: Partial<Custody> = {}): Custody {
  return custodyOf({ state: 'position', position }, more)
}

/** Custody with whatever is stored. */
export function custodyOf(stored: Stored, more: Partial<Custody> = {}): Custody {
  return { ...place, stored, ownerEpoch: 0, revision: 'r1', ...more }
}

/** A log from 100 to 200 on cluster `c1`, topic ID `t1`, led in epoch 5. */
export function logOf(more: Partial<Omit<KnownFacts, 'state'>> = {}): KnownFacts {
  return {
    ...place,
    state: 'known',
    clusterId: 'c1',
    topicId: 't1',
    leaderId: 1,
    leaderEpoch: 5,
    logStartOffset: 100,
    logEndOffset: 200,
    epochEnds: [],
    ...more,
  }
}

/** A leader that could not be asked. */
export function away(more: { clusterId?: string } = {}): Facts {
  return { ...place, state: 'unknown', reason: 'NO_LEADER', detail: 'the partition has no leader', ...more }
}

/** A topic that is gone, or that has fewer partitions. */
export function gone(more: { partitionCount?: number } = {}): Facts {
  return { ...place, state: 'absent', clusterId: 'c1', ...more }
}

/** The leader's answer on an epoch. */
export function ends(asked: number, epoch: number, endOffset: number): EpochEnd {
  return { asked, epoch, endOffset }
}

/** Judged: the input of a plan. */
export function findingOf(custody: Custody, facts: Facts, offsetAtTime?: number | null): Finding {
  return { custody, facts, verdict: judge(custody, facts), offsetAtTime }
}

/** Who plans in these tests. */
export const context: PlanContext = { group: 'billing', now: 1_700_000_000_000, actor: 'test@host', newId: () => 'save-1' }

/** What is stored once a write of `position` was done. */
export function afterMove(custody: Custody, position: Position): Custody {
  return { ...custody, stored: { state: 'position', position }, trace: undefined, planned: undefined, revision: `${custody.revision}+` }
}
