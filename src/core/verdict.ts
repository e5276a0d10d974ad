import { positionOf } from './custody.ts'
import type { Custody } from './custody.ts'
import type { EpochEnd, Facts, KnownFacts } from './facts.ts'
import { keyOf } from './position.ts'
import type { EpochStart, Position } from './position.ts'
import { suspect, unreadBelow } from './suspicion.ts'

/** What comparing a stored position with the log means. In the order in which they are decided. */
export const VERDICTS = [
  'corrupt',
  'foreign',
  'unknown',
  'orphaned',
  'lost',
  'missing',
  'recreated',
  'truncated',
  'expired',
  'ahead',
  'suspect',
  'valid',
] as const

export type VerdictName = (typeof VERDICTS)[number]

/** One question asked of custody and facts, and its answer. */
export interface Test {
  readonly verdict: VerdictName
  /** Whether it holds; the first that does is the verdict. */
  readonly holds: boolean
  /** Why, with the values compared. */
  readonly detail: string
}

/** Where a truncated log parts from what was read. */
export interface Truncation {
  readonly offset: number
  /** Whether the stored (epoch, start offset) pairs prove it; otherwise the point is at `offset` at most. */
  readonly exact: boolean
}

/** The verdict on one partition. */
export interface Verdict {
  readonly verdict: VerdictName
  /** Why, and what could not be proven; sentences. */
  readonly evidence: readonly string[]
  /** Records between the committed offset and the log end, at most; undefined where either is not known. */
  readonly lag?: number | undefined
  readonly truncation?: Truncation | undefined
}

/** Why an answer is what it is; a function where it is one among thousands that nobody may ask for. */
type Answer = readonly [holds: boolean, detail: string | (() => string)]

/** Compares what is stored with what the cluster says: pure, total, and the only place where verdicts are decided. */
export function judge(custody: Custody, facts: Facts): Verdict {
  for (const verdict of VERDICTS) {
    const [holds, detail] = QUESTIONS[verdict](custody, facts)
    if (holds) return conclude(verdict, textOf(detail), custody, facts)
  }
  throw new Error('unreachable: valid always holds')
}

/** Every test that led to the verdict, in order; the last one holds. */
export function testsOf(custody: Custody, facts: Facts): Test[] {
  const tests: Test[] = []
  for (const verdict of VERDICTS) {
    const [holds, detail] = QUESTIONS[verdict](custody, facts)
    tests.push({ verdict, holds, detail: textOf(detail) })
    if (holds) break
  }
  return tests
}

function textOf(detail: Answer[1]): string {
  return typeof detail === 'string' ? detail : detail()
}

/** Whether a verdict is something for people to look at (exit code 3), rather than all well or not decidable. */
export function isFinding(verdict: VerdictName): boolean {
  return verdict !== 'valid' && verdict !== 'missing' && verdict !== 'unknown'
}

/**
 * Whether a verdict may be a passing state of the cluster, so that a second look only counts some seconds later:
 * metadata and high watermarks lag after elections (KAFKA-7703, KIP-207), new topics are not known everywhere at once.
 */
export function maySettle(verdict: VerdictName): boolean {
  return verdict === 'ahead' || verdict === 'orphaned' || verdict === 'unknown' || verdict === 'recreated' || verdict === 'truncated'
}

/** The stored epochs to ask the leader about, oldest first. A bare leader epoch counts as read from the offset on: nothing older is proven. */
export function epochsOf(position: Position): readonly EpochStart[] {
  if (position.epochs !== undefined && position.epochs.length > 0) return position.epochs
  if (position.leaderEpoch === undefined) return []
  return [{ epoch: position.leaderEpoch, startOffset: position.offset }]
}

const QUESTIONS: Record<VerdictName, (custody: Custody, facts: Facts) => Answer> = {
  corrupt: ({ stored }) =>
    stored.state === 'corrupt'
      ? [true, `the stored value ${JSON.stringify(stored.raw)} is no offset: ${stored.reason}`]
      : [false, () => (stored.state === 'position' ? `the stored value is the offset ${stored.position.offset}` : UNSTORED[stored.state])],
  foreign: (custody, facts) => compareClusters(positionOf(custody)?.clusterId, facts.clusterId),
  unknown: (custody, facts) => {
    if (custody.stored.state === 'unknown') return [true, custody.stored.reason]
    if (facts.state === 'unknown') return [true, `${facts.reason}: ${facts.detail}`]
    return facts.state === 'known' ? leaderBehind(custody, facts) : [false, 'the cluster answered']
  },
  orphaned: (_custody, facts) => {
    if (facts.state !== 'absent') return [false, 'the topic and the partition exist']
    if (facts.partitionCount === undefined) return [true, `the cluster has no topic ${facts.topic}`]
    return [true, `the topic ${facts.topic} has ${facts.partitionCount} partitions, and no partition ${facts.partition}`]
  },
  lost: ({ stored, trace }) => {
    if (stored.state !== 'absent') return [false, 'something is stored']
    return trace === undefined ? [false, 'nothing says that there ever was an offset'] : [true, TRACES[trace]]
  },
  missing: ({ stored }) => [
    stored.state === 'absent',
    stored.state === 'absent' ? 'nothing is stored, and nothing says there ever was' : 'an offset is stored',
  ],
  recreated: (custody, facts) => recreated(readPosition(custody), known(facts)),
  truncated: (custody, facts) => truncated(readPosition(custody), known(facts)),
  expired: (custody, facts) => {
    const { offset } = readPosition(custody)
    const { logStartOffset } = known(facts)
    if (offset >= logStartOffset) return [false, () => `the offset ${offset} is not below the log start ${logStartOffset}`]
    return [
      true,
      `the offset ${offset} is below the log start ${logStartOffset}: at most ${logStartOffset - offset} records were removed before they were read`,
    ]
  },
  ahead: (custody, facts) => {
    const { offset } = readPosition(custody)
    const { logEndOffset } = known(facts)
    if (offset <= logEndOffset) return [false, () => `the offset ${offset} is not beyond the log end ${logEndOffset}`]
    return [true, `the offset ${offset} is ${offset - logEndOffset} beyond the log end ${logEndOffset}`]
  },
  suspect: (custody, facts) => suspect(readPosition(custody), known(facts)),
  valid: (custody, facts) => {
    const { logStartOffset, logEndOffset } = known(facts)
    return [true, `the offset ${readPosition(custody).offset} lies within the log, ${logStartOffset} to ${logEndOffset}`]
  },
}

const UNSTORED = { absent: 'nothing is stored', unknown: 'what is stored is not known now' } as const

const TRACES = {
  sidecar: 'nothing is stored, but what Tidemark kept beside it is still there',
  ledger: 'nothing is stored, but the ledger has moves of this very partition',
  planned: 'nothing is stored, but work on this very partition was planned and never saved',
  seen: 'nothing is stored, but an earlier round found an offset here',
} as const

function conclude(verdict: VerdictName, detail: string, custody: Custody, facts: Facts): Verdict {
  const position = positionOf(custody)
  return {
    verdict,
    evidence: [detail, ...besides(verdict, custody, facts), ...(custody.remarks ?? [])],
    lag: position !== undefined && facts.state === 'known' ? Math.max(0, facts.logEndOffset - position.offset) : undefined,
    truncation: verdict === 'truncated' ? truncationOf(readPosition(custody), known(facts)) : undefined,
  }
}

function compareClusters(stored: string | undefined, found: string | undefined): Answer {
  if (stored === undefined) return [false, 'no cluster ID is stored']
  if (found === undefined) return [false, 'the cluster ID could not be had']
  if (stored === found) return [false, () => `the stored cluster ID is this cluster's, ${found}`]
  return [true, `the offset was stored for the cluster ${stored}, and this is ${found}`]
}

/** A leader that does not know the epoch we read of this very topic is not up to date: no facts to act on (KIP-320's UNKNOWN_LEADER_EPOCH). */
function leaderBehind(custody: Custody, facts: KnownFacts): Answer {
  const position = positionOf(custody)
  const epoch = position === undefined ? undefined : epochsOf(position).at(-1)?.epoch
  if (position?.topicId === facts.topicId && epoch !== undefined && epoch > facts.leaderEpoch) {
    return [true, `STALE_LEADER: records of leader epoch ${epoch} were read, and the leader is at ${facts.leaderEpoch}`]
  }
  return [false, () => `the leader, broker ${facts.leaderId}, answered`]
}

function recreated(position: Position, facts: KnownFacts): Answer {
  if (position.topicId !== undefined) {
    if (position.topicId === facts.topicId) return [false, () => `the stored topic ID is the topic's, ${facts.topicId}`]
    return [true, anotherTopic(position.topicId, facts.topicId)]
  }
  const newest = facts.epochEnds[0]
  if (newest === undefined) return [false, 'no topic ID and no leader epoch are stored']
  if (newest.epoch === -1 && newest.asked > facts.leaderEpoch) {
    return [
      true,
      `no topic ID is stored, and the stored leader epoch ${newest.asked} is newer than any the leader knows (${facts.leaderEpoch}): another log`,
    ]
  }
  return [
    false,
    () => `no topic ID is stored; the stored leader epoch ${newest.asked} is not newer than the leader's, ${facts.leaderEpoch}`,
  ]
}

/** The stored epoch is older than the leader's and ended below the stored offset. An epoch that is only missing from the leader's list proves nothing: compaction removes whole epochs. */
function truncated(position: Position, facts: KnownFacts): Answer {
  const newest = facts.epochEnds[0]
  if (newest === undefined) return [false, 'no leader epoch is stored']
  if (newest.asked >= facts.leaderEpoch) return [false, () => `the stored leader epoch ${newest.asked} is the leader's`]
  if (newest.endOffset < 0) return [false, `the leader does not say where the stored leader epoch ${newest.asked} ends`]
  if (newest.endOffset >= position.offset)
    return [false, () => `the stored leader epoch ${newest.asked} reaches to ${newest.endOffset} at the leader`]
  const { offset, exact } = truncationOf(position, facts)
  return [
    true,
    `records up to ${position.offset} were read in leader epoch ${newest.asked}, and the leader, now at epoch ${facts.leaderEpoch}, has none of that epoch from ${newest.endOffset} on: the log was cut ${exact ? '' : 'at most '}at ${offset}${facts.logEndOffset > offset ? ' and grew again' : ''}`,
  ]
}

/**
 * Walks back the stored epochs, newest first, to where the leader's history and what was read last agree (KIP-101).
 * The answer for an epoch older than all that the leader knows is the start of its oldest one: an upper bound.
 */
export function truncationOf(position: Position, facts: KnownFacts): Truncation {
  const pairs = epochsOf(position).toReversed()
  let readUntil = position.offset
  let atMost = position.offset
  for (const [index, pair] of pairs.entries()) {
    const end = facts.epochEnds[index]
    if (end === undefined || end.asked !== pair.epoch || end.endOffset < 0) break
    if (end.epoch === pair.epoch) return agreed(Math.min(end.endOffset, readUntil), end, facts)
    readUntil = pair.startOffset
    atMost = Math.min(atMost, end.endOffset, pair.startOffset)
  }
  return { offset: atMost, exact: false }
}

function agreed(offset: number, end: EpochEnd, facts: KnownFacts): Truncation {
  return { offset, exact: !(end.endOffset <= facts.logStartOffset) }
}

/** What the evidence says besides the reason for the verdict. */
function besides(verdict: VerdictName, custody: Custody, facts: Facts): string[] {
  const position = positionOf(custody)
  if (position === undefined) return []
  return [...assumed(position), ...more(verdict, position, facts)]
}

/** What compares an assumed identity proves something from then on, and nothing of before. */
function assumed({ assumedSince }: Position): string[] {
  if (assumedSince === undefined) return []
  return [`its identity is assumed since ${new Date(assumedSince).toISOString()}: whether what was read before was of it is not proven`]
}

function more(verdict: VerdictName, position: Position, facts: Facts): string[] {
  if (facts.state === 'absent') return facts.topicId === undefined ? [] : remade(position, facts.topicId)
  return verdict === 'valid' && facts.state === 'known' ? [...openTransaction(position, facts), ...unproven(position, facts)] : []
}

/** Of a partition that is gone, while its topic is there: whether the topic is another one. */
function remade({ topicId }: Position, found: string): string[] {
  return topicId === undefined || topicId === found ? [] : [anotherTopic(topicId, found)]
}

function anotherTopic(stored: string, found: string): string {
  return `the offset was stored for the topic ID ${stored}, and the topic's is ${found}: it was deleted and made anew`
}

/** Committed records end at the last stable offset; a transaction whose producer is gone holds it there (KIP-664). */
function openTransaction({ offset }: Position, { lastStableOffset = Infinity, logEndOffset }: KnownFacts): string[] {
  if (lastStableOffset >= logEndOffset || offset < lastStableOffset) return []
  return [
    `an open transaction holds the last stable offset at ${lastStableOffset}, ${logEndOffset - lastStableOffset} below the log end: a read_committed reader gets no further until it ends`,
  ]
}

function unproven(position: Position, facts: KnownFacts): string[] {
  const notes: string[] = []
  if (position.topicId === undefined) notes.push('identity not stored: a topic made anew would not be seen', ...unreadBelow(facts))
  const newest = facts.epochEnds[0]
  if (newest === undefined) notes.push('leader epoch not stored: a truncated log would not be seen')
  else if (newest.epoch !== newest.asked)
    notes.push(`the leader has no records of the stored epoch ${newest.asked}: compacted away, or replaced; neither is proven`)
  return notes
}

/** Only asked once `corrupt`, `lost` and `missing` did not hold. */
function readPosition(custody: Custody): Position {
  const position = positionOf(custody)
  if (position === undefined) throw new Error(`no position for ${keyOf(custody)}`)
  return position
}

/** Only asked once `unknown` and `orphaned` did not hold. */
function known(facts: Facts): KnownFacts {
  if (facts.state !== 'known') throw new Error(`no facts for ${keyOf(facts)}`)
  return facts
}
