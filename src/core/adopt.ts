import { positionOf } from './custody.ts'
import type { KnownFacts } from './facts.ts'
import type { Finding, Move, PlanContext, PlanEntry } from './plan.ts'
import type { Position } from './position.ts'

/** The position of a valid number without identity, which can be given the one that the log has now; undefined: there is nothing to adopt. */
export function adoptable({ custody, facts, verdict }: Finding): Position | undefined {
  const position = positionOf(custody)
  return verdict.verdict === 'valid' && facts.state === 'known' && position?.topicId === undefined ? position : undefined
}

/**
 * The plan's entry for a number that is adopted: it stays, and beside it is put the identity that the log has now, marked as assumed.
 * @param leaderEpoch of the record below the offset; undefined: not known, or there is no record below it
 */
export function entryToAdopt(entry: PlanEntry, finding: Finding, leaderEpoch: number | undefined, context: PlanContext): PlanEntry {
  const position = adoptable(finding)
  if (position === undefined) return entry
  const { immovable, unadoptable } = finding.custody
  if (unadoptable !== undefined) return { ...entry, action: ADOPT, outcome: 'keep', note: unadoptable }
  if (immovable !== undefined) return { ...entry, action: ADOPT, outcome: 'fail', note: immovable.reason, immovable }
  const facts = finding.facts as KnownFacts
  const adopted: Position = {
    ...position,
    topicId: facts.topicId,
    clusterId: facts.clusterId,
    leaderEpoch: position.leaderEpoch ?? leaderEpoch,
    assumedSince: context.now,
  }
  return { ...entry, action: ADOPT, outcome: 'adopt', note: noteOf(adopted, facts), move: adoption(finding, adopted, context) }
}

const ADOPT = 'adopt'

function noteOf({ offset, leaderEpoch }: Position, { logStartOffset }: KnownFacts): string | undefined {
  if (leaderEpoch !== undefined) return undefined
  return offset <= logStartOffset
    ? 'no record below the offset is left to tell its leader epoch'
    : 'the leader epoch below the offset is not known'
}

function adoption({ custody, verdict }: Finding, position: Position, { group, now, actor, newId }: PlanContext): Move {
  const { topic, partition, revision, ownerEpoch, planned } = custody
  const { offset } = position
  const cost = { skipped: 0, reread: 0 }
  const evidence = [`the topic ID ${position.topicId} and ${epochText(position.leaderEpoch)} are assumed from now on`, ...verdict.evidence]
  const row = { at: now, group, topic, partition, verdict: verdict.verdict, action: ADOPT, from: offset, to: offset }
  return {
    to: offset,
    position,
    ...cost,
    expected: revision,
    ownerEpoch,
    planned,
    saveId: newId(),
    ledger: { ...row, ...cost, actor, evidence },
  }
}

function epochText(leaderEpoch: number | undefined): string {
  return leaderEpoch === undefined ? 'no leader epoch' : `the leader epoch ${leaderEpoch}`
}
