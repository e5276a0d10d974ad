import { positionOf } from './custody.ts'
import { entryTo, totalled } from './plan.ts'
import type { Finding, Plan, PlanContext, Target } from './plan.ts'

/** Where a reset moves to: Kafka's own choices (kafka-consumer-groups --reset-offsets). Times are ms since 1970. */
export type ResetTarget =
  | { readonly kind: 'to-earliest' }
  | { readonly kind: 'to-latest' }
  | { readonly kind: 'to-offset'; readonly offset: number }
  | { readonly kind: 'to-datetime'; readonly timestamp: number }
  | { readonly kind: 'by-duration'; readonly timestamp: number }
  | { readonly kind: 'shift-by'; readonly records: number }

/** The plan of a reset. Like Kafka's tool it stays within the log: a target beyond it becomes the earliest or the latest offset, and the entry says so. */
export function planReset(
  findings: readonly Finding[],
  target: ResetTarget,
  limits: { maxSkip: number; maxReread: number },
  context: PlanContext,
): Plan {
  const entries = findings.map((finding) => {
    const entry = entryTo(finding, target.kind, resetTo(finding, target), context)
    const there = finding.verdict.verdict === 'valid' && entry.move?.to === entry.from
    return there ? { ...entry, move: undefined, outcome: 'none' as const, note: 'already there' } : entry
  })
  return totalled(context.group, entries, limits)
}

function resetTo({ custody, facts, offsetAtTime }: Finding, target: ResetTarget): Target {
  if (facts.state !== 'known') return { refuse: 'the log is not known' }
  const { logStartOffset, logEndOffset } = facts
  const within = (wanted: number): Target => {
    if (wanted < logStartOffset) return { to: logStartOffset, note: `${wanted} is below the log start: earliest` }
    if (wanted > logEndOffset) return { to: logEndOffset, note: `${wanted} is beyond the log end: latest` }
    return { to: wanted }
  }
  switch (target.kind) {
    case 'to-earliest':
      return { to: logStartOffset }
    case 'to-latest':
      return { to: logEndOffset }
    case 'to-offset':
      return within(target.offset)
    case 'shift-by': {
      const position = positionOf(custody)
      return position === undefined ? { refuse: 'there is no offset to shift' } : within(position.offset + target.records)
    }
    case 'to-datetime':
    case 'by-duration':
      if (offsetAtTime === undefined) return { refuse: 'the offset at that time could not be had' }
      return offsetAtTime === null ? { to: logEndOffset, note: 'no record is that new: latest' } : within(offsetAtTime)
  }
}
