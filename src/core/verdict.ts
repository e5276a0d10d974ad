import { positionOf } from './custody.ts'
import type { Custody } from './custody.ts'
import type { AbsentFacts, EpochEnd, Facts, KnownFacts } from './facts.ts'
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

/** Whether a verdict holds: why, with the values compared; undefined: it does not, which why-not.ts puts in words for those who ask. */
type Question = (custody: Custody, facts: Facts) => string | undefined

/** Compares what is stored with what the cluster says: pure, total, and the only place where verdicts are decided. */
export function judge(custody: Custody, facts: Facts): Verdict {
  for (const { verdict, reasonFor } of IN_ORDER) {
    const reason = reasonFor(custody, facts)
    if (reason !== undefined) return conclude(verdict, reason, custody, facts)
  }
  throw new Error('unreachable: valid always holds')
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

const QUESTIONS: Record<VerdictName, Question> = {
  corrupt: ({ stored }) =>
    stored.state === 'corrupt' ? `the stored value ${JSON.stringify(stored.raw)} is no offset: ${stored.reason}` : undefined,
  foreign: (custody, facts) => foreign(positionOf(custody)?.clusterId, facts.clusterId),
  unknown: (custody, facts) => {
    if (custody.stored.state === 'unknown') return custody.stored.reason
    if (facts.state === 'unknown') return `${facts.reason}: ${facts.detail}`
    return facts.state === 'known' ? leaderBehind(positionOf(custody), facts) : undefined
  },
  orphaned: (_custody, facts) => {
    if (facts.state !== 'absent') return undefined
    if (facts.partitionCount === undefined) return `the cluster has no topic ${facts.topic}`
    return `the topic ${facts.topic} has ${facts.partitionCount} partitions, and no partition ${facts.partition}`
  },
  lost: ({ stored, trace }) => (stored.state === 'absent' && trace !== undefined ? TRACES[trace] : undefined),
  missing: ({ stored }) => (stored.state === 'absent' ? 'nothing is stored, and nothing says there ever was' : undefined),
  recreated: (custody, facts) => recreated(readPosition(custody), known(facts)),
  truncated: (custody, facts) => truncated(readPosition(custody), known(facts)),
  expired: (custody, facts) => {
    const { offset } = readPosition(custody)
    const { logStartOffset } = known(facts)
    if (offset >= logStartOffset) return undefined
    return `the offset ${offset} is below the log start ${logStartOffset}: at most ${logStartOffset - offset} records were removed before they were read`
  },
  ahead: (custody, facts) => {
    const { offset } = readPosition(custody)
    const { logEndOffset } = known(facts)
    return offset <= logEndOffset ? undefined : `the offset ${offset} is ${offset - logEndOffset} beyond the log end ${logEndOffset}`
  },
  suspect: (custody, facts) => {
    const { holds, detail } = suspect(readPosition(custody), known(facts))
    return holds ? detail : undefined
  },
  valid: (custody, facts) => {
    const { logStartOffset, logEndOffset } = known(facts)
    return `the offset ${readPosition(custody).offset} lies within the log, ${logStartOffset} to ${logEndOffset}`
  },
}

const IN_ORDER = VERDICTS.map((verdict) => ({ verdict, reasonFor: QUESTIONS[verdict] }))

const TRACES = {
  sidecar: 'nothing is stored, but what Tidemark kept beside it is still there',
  ledger: 'nothing is stored, but the ledger has moves of this very partition',
  planned: 'nothing is stored, but work on this very partition was planned and never saved',
  seen: 'nothing is stored, but an earlier round found an offset here',
} as const

function conclude(verdict: VerdictName, reason: string, custody: Custody, facts: Facts): Verdict {
  const position = positionOf(custody)
  const evidence = [reason]
  if (position !== undefined) addBesides(evidence, verdict, position, facts)
  if (custody.remarks !== undefined) evidence.push(...custody.remarks)
  return {
    verdict,
    evidence,
    lag: position !== undefined && facts.state === 'known' ? Math.max(0, facts.logEndOffset - position.offset) : undefined,
    truncation: verdict === 'truncated' ? truncationOf(readPosition(custody), known(facts)) : undefined,
  }
}

function foreign(stored: string | undefined, found: string | undefined): string | undefined {
  if (stored === undefined || found === undefined || stored === found) return undefined
  return `the offset was stored for the cluster ${stored}, and this is ${found}`
}

/** A leader that does not know the epoch we read of this very topic is not up to date: no facts to act on (KIP-320's UNKNOWN_LEADER_EPOCH). */
function leaderBehind(position: Position | undefined, facts: KnownFacts): string | undefined {
  if (position?.topicId !== facts.topicId) return undefined
  const epoch = epochsOf(position).at(-1)?.epoch
  if (epoch === undefined || epoch <= facts.leaderEpoch) return undefined
  return `STALE_LEADER: records of leader epoch ${epoch} were read, and the leader is at ${facts.leaderEpoch}`
}

function recreated({ topicId }: Position, facts: KnownFacts): string | undefined {
  if (topicId !== undefined) return topicId === facts.topicId ? undefined : anotherTopic(topicId, facts.topicId)
  const newest = facts.epochEnds[0]
  if (newest === undefined || newest.epoch !== -1 || newest.asked <= facts.leaderEpoch) return undefined
  return `no topic ID is stored, and the stored leader epoch ${newest.asked} is newer than any the leader knows (${facts.leaderEpoch}): another log`
}

/** The stored epoch is older than the leader's and ended below the stored offset. An epoch that is only missing from the leader's list proves nothing: compaction removes whole epochs. */
function truncated(position: Position, facts: KnownFacts): string | undefined {
  const newest = facts.epochEnds[0]
  if (newest === undefined || newest.asked >= facts.leaderEpoch) return undefined
  if (newest.endOffset < 0 || newest.endOffset >= position.offset) return undefined
  const { offset, exact } = truncationOf(position, facts)
  return `records up to ${position.offset} were read in leader epoch ${newest.asked}, and the leader, now at epoch ${facts.leaderEpoch}, has none of that epoch from ${newest.endOffset} on: the log was cut ${exact ? '' : 'at most '}at ${offset}${facts.logEndOffset > offset ? ' and grew again' : ''}`
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
function addBesides(evidence: string[], verdict: VerdictName, position: Position, facts: Facts): void {
  if (position.assumedSince !== undefined) evidence.push(assumed(position.assumedSince))
  if (facts.state === 'absent') addRemade(evidence, position, facts)
  else if (verdict === 'valid' && facts.state === 'known') {
    addOpenTransaction(evidence, position, facts)
    addUnproven(evidence, position, facts)
  }
}

/** What compares an assumed identity proves something from then on, and nothing of before. */
function assumed(since: number): string {
  return `its identity is assumed since ${new Date(since).toISOString()}: whether what was read before was of it is not proven`
}

/** Of a partition that is gone, while its topic is there: whether the topic is another one. */
function addRemade(evidence: string[], { topicId }: Position, { topicId: found }: AbsentFacts): void {
  if (topicId !== undefined && found !== undefined && topicId !== found) evidence.push(anotherTopic(topicId, found))
}

function anotherTopic(stored: string, found: string): string {
  return `the offset was stored for the topic ID ${stored}, and the topic's is ${found}: it was deleted and made anew`
}

/** Committed records end at the last stable offset; a transaction whose producer is gone holds it there (KIP-664). */
function addOpenTransaction(evidence: string[], { offset }: Position, { lastStableOffset = Infinity, logEndOffset }: KnownFacts): void {
  if (lastStableOffset >= logEndOffset || offset < lastStableOffset) return
  evidence.push(
    `an open transaction holds the last stable offset at ${lastStableOffset}, ${logEndOffset - lastStableOffset} below the log end: a read_committed reader gets no further until it ends`,
  )
}

function addUnproven(evidence: string[], { topicId }: Position, facts: KnownFacts): void {
  if (topicId === undefined) evidence.push('identity not stored: a topic made anew would not be seen', ...unreadBelow(facts))
  const newest = facts.epochEnds[0]
  if (newest === undefined) evidence.push('leader epoch not stored: a truncated log would not be seen')
  else if (newest.epoch !== newest.asked)
    evidence.push(`the leader has no records of the stored epoch ${newest.asked}: compacted away, or replaced; neither is proven`)
}

/** Only asked once `corrupt`, `lost` and `missing` did not hold. */
export function readPosition(custody: Custody): Position {
  const position = positionOf(custody)
  if (position === undefined) throw new Error(`no position for ${keyOf(custody)}`)
  return position
}

/** Only asked once `unknown` and `orphaned` did not hold. */
export function known(facts: Facts): KnownFacts {
  if (facts.state !== 'known') throw new Error(`no facts for ${keyOf(facts)}`)
  return facts
}
