import { positionOf } from './custody.ts'
import type { Custody, Immovable, Planned } from './custody.ts'
import type { Facts, KnownFacts } from './facts.ts'
import type { LedgerRow } from './ledger.ts'
import type { Action, Policy } from './policy.ts'
import { byPartition } from './position.ts'
import type { Position, TopicPartition } from './position.ts'
import type { Verdict, VerdictName } from './verdict.ts'

/** What was found of one partition: the input of a plan. */
export interface Finding {
  readonly custody: Custody
  readonly facts: Facts
  readonly verdict: Verdict
  /** For the action `time`: the offset of the first record at or after the stored time; null: there is none. */
  readonly offsetAtTime?: number | null | undefined
}

/** What a plan does with one partition. Plain data. */
export interface PlanEntry extends TopicPartition {
  readonly verdict: VerdictName
  readonly evidence: readonly string[]
  /** The policy's action, or a reset's name (`to-earliest`, `shift-by` …). */
  readonly action: string
  /** `none`: nothing to do; `adopt`: the offset stays and gets an identity; `keep`: left as it is by choice; `wait`: not decidable now; `fail`: refused, somebody has to look. */
  readonly outcome: 'none' | 'move' | 'adopt' | 'keep' | 'wait' | 'fail'
  /** Why the outcome is not simply what the action says, where that is so. */
  readonly note?: string | undefined
  /** Where that is because the store lets nobody move it. */
  readonly immovable?: Immovable | undefined
  /** The committed offset before; null where there is none. */
  readonly from: number | null
  readonly logStartOffset?: number | undefined
  readonly logEndOffset?: number | undefined
  readonly lag?: number | undefined
  readonly move?: Move | undefined
}

/** One move of a committed offset: what to expect, what to put, and what it costs. Counts are in records, at most. */
export interface Move {
  readonly to: number
  readonly position: Position
  readonly skipped: number | null
  readonly reread: number
  /** The revision that was judged. */
  readonly expected: string
  /** The owner epoch found; a worker that applies the plan puts its own. */
  readonly ownerEpoch: number
  /** Work that stays planned; only where the offset stays. */
  readonly planned?: Planned | undefined
  readonly saveId: string
  readonly ledger: LedgerRow
}

/** The moves that follow from verdicts and a policy, and what they cost together. */
export interface Plan {
  readonly group: string
  readonly entries: readonly PlanEntry[]
  /** Records skipped over all moves, at most; of a recreated topic, where nobody can know what was lost of the old one, those of the new one. */
  readonly skipped: number
  /** Records read again over all moves, at most. */
  readonly reread: number
  /** The limit that the plan is beyond, if it is: then it is not applied. */
  readonly exceeds?: { readonly limit: 'maxSkip' | 'maxReread'; readonly allowed: number; readonly planned: number } | undefined
}

/** Who plans, and when: what a pure plan can't know by itself. */
export interface PlanContext {
  readonly group: string
  /** ms since 1970. */
  readonly now: number
  readonly actor: string
  /** Makes the save IDs. */
  readonly newId: () => string
}

/** A wish for one partition: where to move, and under which name. */
export type Target = { readonly to: number; readonly note?: string | undefined } | { readonly refuse: string }

/** The plan that a policy makes of findings. */
export function planRepair(findings: readonly Finding[], policy: Policy, context: PlanContext): Plan {
  const entries = findings.map((finding) => {
    const action = policy.actions[finding.verdict.verdict]
    const settled = SETTLED[action]
    if (settled !== undefined) return entryOf(finding, action, settled)
    return entryTo(finding, action, targetOf(finding, action), context)
  })
  return totalled(context.group, entries, policy)
}

/** One partition moved to a target under an action's name; refused where the facts or the cluster forbid any write. */
export function entryTo(finding: Finding, action: string, target: Target, context: PlanContext): PlanEntry {
  const { facts, verdict } = finding
  if (verdict.verdict === 'foreign') return entryOf(finding, action, 'fail', 'it belongs to another cluster')
  if (facts.state === 'unknown' || verdict.verdict === 'unknown') return entryOf(finding, action, 'wait')
  if (facts.state === 'absent') return entryOf(finding, action, 'fail', 'there is no such partition to move in')
  if ('refuse' in target) return entryOf(finding, action, 'fail', target.refuse)
  const { immovable } = finding.custody
  if (immovable !== undefined) return { ...entryOf(finding, action, 'fail', immovable.reason), immovable }
  return { ...entryOf(finding, action, 'move', target.note), move: moveOf(finding, facts, action, target.to, context) }
}

/** Adds up a plan and holds it against the limits. */
export function totalled(group: string, entries: readonly PlanEntry[], limits: { maxSkip: number; maxReread: number }): Plan {
  const sorted = entries.toSorted(byPartition)
  const skipped = sum(sorted.map(({ move, logStartOffset = 0 }) => (move === undefined ? 0 : (move.skipped ?? move.to - logStartOffset))))
  const reread = sum(sorted.map((entry) => entry.move?.reread ?? 0))
  const exceeds =
    skipped > limits.maxSkip
      ? ({ limit: 'maxSkip', allowed: limits.maxSkip, planned: skipped } as const)
      : reread > limits.maxReread
        ? ({ limit: 'maxReread', allowed: limits.maxReread, planned: reread } as const)
        : undefined
  return { group, entries: sorted, skipped, reread, exceeds }
}

const SETTLED: Partial<Record<Action, PlanEntry['outcome']>> = { none: 'none', report: 'none', keep: 'keep', wait: 'wait', fail: 'fail' }

function entryOf({ custody, facts, verdict }: Finding, action: string, outcome: PlanEntry['outcome'], note?: string): PlanEntry {
  return {
    topic: custody.topic,
    partition: custody.partition,
    verdict: verdict.verdict,
    evidence: verdict.evidence,
    action,
    outcome,
    note,
    from: positionOf(custody)?.offset ?? null,
    logStartOffset: facts.state === 'known' ? facts.logStartOffset : undefined,
    logEndOffset: facts.state === 'known' ? facts.logEndOffset : undefined,
    lag: verdict.lag,
  }
}

/** Where a policy's action leads, on facts that are known. */
function targetOf(finding: Finding, action: Action): Target {
  const { facts } = finding
  if (facts.state !== 'known') return { refuse: 'the log is not known' }
  if (action === 'earliest') return { to: facts.logStartOffset }
  if (action === 'latest') return { to: facts.logEndOffset }
  if (action === 'truncation-point') return truncationTarget(finding, facts)
  if (action === 'nearest') return nearestTarget(finding, facts)
  return timeTarget(finding, facts)
}

function truncationTarget({ verdict }: Finding, facts: KnownFacts): Target {
  if (verdict.truncation === undefined) return { refuse: 'the log was not truncated' }
  const { offset, exact } = verdict.truncation
  if (!exact) return { to: facts.logStartOffset, note: `the truncation point is not proven (at most ${offset}): earliest` }
  return { to: clamp(offset, facts) }
}

function nearestTarget({ custody, verdict }: Finding, facts: KnownFacts): Target {
  const offset = verdict.truncation?.offset ?? positionOf(custody)?.offset
  return offset === undefined ? { refuse: 'there is no offset to be near to' } : { to: clamp(offset, facts) }
}

function timeTarget({ offsetAtTime }: Finding, facts: KnownFacts): Target {
  if (offsetAtTime === undefined) return { refuse: 'no time is stored, or the offset at that time could not be had' }
  return { to: offsetAtTime === null ? facts.logEndOffset : clamp(offsetAtTime, facts) }
}

function clamp(offset: number, { logStartOffset, logEndOffset }: KnownFacts): number {
  return Math.min(Math.max(offset, logStartOffset), logEndOffset)
}

function moveOf(finding: Finding, facts: KnownFacts, action: string, to: number, context: PlanContext): Move {
  const { custody, verdict } = finding
  const from = positionOf(custody)?.offset ?? null
  const cost = costOf(finding, facts, from, to)
  const { topic, partition } = custody
  return {
    to,
    position: positionAt(finding, facts, to, context),
    ...cost,
    expected: custody.revision,
    ownerEpoch: custody.ownerEpoch,
    saveId: context.newId(),
    ledger: {
      at: context.now,
      group: context.group,
      topic,
      partition,
      verdict: verdict.verdict,
      action,
      from,
      to,
      ...cost,
      actor: context.actor,
      evidence: verdict.evidence,
    },
  }
}

/**
 * The identity of a moved offset is what the facts prove now. Where nothing is known of what was read below it, its epoch is the leader's, as Java's consumer
 * takes it from ListOffsets when it resets (KIP-320): the leader of that epoch had a log up to the offset, so a log that is cut below it shows.
 */
function positionAt(finding: Finding, facts: KnownFacts, to: number, { now, actor }: PlanContext): Position {
  const { topicId, clusterId, leaderEpoch } = facts
  const base = { offset: to, topicId, clusterId, leaderEpoch, commitTime: now, committedBy: actor }
  const epochs = positionOf(finding.custody)?.epochs?.filter((pair) => pair.startOffset < to) ?? []
  return epochs.length > 0 && to <= sharedUntil(finding, facts) ? { ...base, epochs, leaderEpoch: epochs.at(-1)?.epoch } : base
}

/** Up to where what was read is proven to be what the leader has; stored epochs above it prove nothing any more. */
function sharedUntil({ custody, verdict }: Finding, facts: KnownFacts): number {
  if (verdict.truncation !== undefined) return verdict.truncation.exact ? verdict.truncation.offset : 0
  const newest = facts.epochEnds[0]
  const sameLog = verdict.verdict === 'valid' && newest !== undefined && newest.epoch === newest.asked
  return sameLog ? (positionOf(custody)?.offset ?? 0) : 0
}

/** What a move costs, in records, at most: what is skipped and what is read again. */
function costOf(finding: Finding, facts: KnownFacts, from: number | null, to: number): { skipped: number | null; reread: number } {
  // What was unread in the old topic is gone, and nobody knows how much; all of the new one is new.
  if (finding.verdict.verdict === 'recreated') return { skipped: null, reread: 0 }
  const [least, most] = readUntil(finding, facts, from)
  return { skipped: Math.max(0, to - least), reread: Math.max(0, Math.min(most, facts.logEndOffset) - to) }
}

/** How far this log was read: at least, and at most. */
function readUntil(
  { verdict }: Finding,
  { logStartOffset, logEndOffset }: KnownFacts,
  from: number | null,
): readonly [least: number, most: number] {
  const { truncation } = verdict
  if (truncation !== undefined)
    return [truncation.exact ? truncation.offset : Math.min(truncation.offset, logStartOffset), truncation.offset]
  switch (verdict.verdict) {
    case 'missing':
      return [logStartOffset, logStartOffset]
    case 'corrupt':
    case 'lost':
    case 'ahead': // the stored number says nothing of this log: everything may have been read, or nothing
      return [logStartOffset, logEndOffset]
    case 'suspect': // what is below the offset may be what was read, or all of it new
      return [logStartOffset, from ?? logEndOffset]
    default:
      return [from ?? logStartOffset, from ?? logEndOffset]
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
