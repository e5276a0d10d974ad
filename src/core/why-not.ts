import type { Custody } from './custody.ts'
import { positionOf } from './custody.ts'
import type { Facts, KnownFacts } from './facts.ts'
import type { Position } from './position.ts'
import { suspect } from './suspicion.ts'
import { judge, known, readPosition, VERDICTS } from './verdict.ts'
import type { VerdictName } from './verdict.ts'

/** One verdict that was considered. */
export interface Test {
  readonly verdict: VerdictName
  /** Whether it holds; the first that does is the verdict. */
  readonly holds: boolean
  /** Why or why not, with the values compared. */
  readonly detail: string
}

/** Every verdict that was considered, in order; the last one holds. */
export function testsOf(custody: Custody, facts: Facts): Test[] {
  const { verdict, evidence } = judge(custody, facts)
  const before = VERDICTS.slice(0, VERDICTS.indexOf(verdict)) as Refutable[]
  const tests = before.map((other): Test => ({ verdict: other, holds: false, detail: WHY_NOT[other](custody, facts) }))
  return [...tests, { verdict, holds: true, detail: evidence[0] as string }]
}

/** All but the last one, which always holds. */
type Refutable = Exclude<VerdictName, 'valid'>

const WHY_NOT: Record<Refutable, (custody: Custody, facts: Facts) => string> = {
  corrupt: ({ stored }) => {
    if (stored.state === 'position') return `the stored value is the offset ${stored.position.offset}`
    return stored.state === 'absent' ? 'nothing is stored' : 'what is stored is not known now'
  },
  foreign: (custody, facts) => {
    if (positionOf(custody)?.clusterId === undefined) return 'no cluster ID is stored'
    return facts.clusterId === undefined ? 'the cluster ID could not be had' : `the stored cluster ID is this cluster's, ${facts.clusterId}`
  },
  unknown: (_custody, facts) => (facts.state === 'known' ? `the leader, broker ${facts.leaderId}, answered` : 'the cluster answered'),
  orphaned: () => 'the topic and the partition exist',
  lost: ({ stored }) => (stored.state === 'absent' ? 'nothing says that there ever was an offset' : 'something is stored'),
  missing: () => 'an offset is stored',
  recreated: (custody, facts) => whyNotRecreated(readPosition(custody), known(facts)),
  truncated: (_custody, facts) => whyNotTruncated(known(facts)),
  expired: (custody, facts) => `the offset ${readPosition(custody).offset} is not below the log start ${known(facts).logStartOffset}`,
  ahead: (custody, facts) => `the offset ${readPosition(custody).offset} is not beyond the log end ${known(facts).logEndOffset}`,
  suspect: (custody, facts) => suspect(readPosition(custody), known(facts)).detail,
}

function whyNotRecreated({ topicId }: Position, facts: KnownFacts): string {
  if (topicId !== undefined) return `the stored topic ID is the topic's, ${facts.topicId}`
  const newest = facts.epochEnds[0]
  if (newest === undefined) return 'no topic ID and no leader epoch are stored'
  return `no topic ID is stored; the stored leader epoch ${newest.asked} is not newer than the leader's, ${facts.leaderEpoch}`
}

function whyNotTruncated({ epochEnds, leaderEpoch }: KnownFacts): string {
  const newest = epochEnds[0]
  if (newest === undefined) return 'no leader epoch is stored'
  if (newest.asked >= leaderEpoch) return `the stored leader epoch ${newest.asked} is the leader's`
  if (newest.endOffset < 0) return `the leader does not say where the stored leader epoch ${newest.asked} ends`
  return `the stored leader epoch ${newest.asked} reaches to ${newest.endOffset} at the leader`
}
