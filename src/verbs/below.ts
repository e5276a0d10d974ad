import { positionOf } from '../core/custody.ts'
import type { BatchTimes, BelowOffset, KnownFacts } from '../core/facts.ts'
import type { Finding } from '../core/plan.ts'
import { keyOf } from '../core/position.ts'
import { judge } from '../core/verdict.ts'
import { TidemarkError } from '../errors.ts'
import type { AskOptions, BatchAnswer, BatchQuestion, Log, TimeAnswer } from '../kafka/log.ts'

/** How far clocks may be apart, and a commit behind what it committed, ms. */
const DEFAULT_CLOCK_SKEW_MS = 300_000

export interface BelowOptions extends AskOptions {
  /** How much later than its commit what lies below an offset may seem to be written, ms. Default 300,000. */
  readonly clockSkewMs?: number | undefined
}

/** A number without identity that seems valid, and could be compared with the times of what lies below it. */
interface Candidate {
  readonly finding: Finding
  readonly facts: KnownFacts
  readonly offset: number
  readonly writtenBy: number
}

/**
 * Judges again those valid numbers that nothing but their commit time speaks for, knowing when the log below them was written. One question for all of
 * them, to each broker; only where that finds a later record below the offset, the log itself is looked into, which needs READ.
 */
export async function withBelow(log: Log, findings: readonly Finding[], options: BelowOptions = {}): Promise<Finding[]> {
  const candidates = findings.flatMap((finding) => candidateOf(finding, options.clockSkewMs ?? DEFAULT_CLOCK_SKEW_MS) ?? [])
  if (candidates.length === 0) return [...findings]
  const answers = await laterRecords(log, candidates, options)
  const below = new Map(candidates.map((candidate, index) => [keyOf(candidate.facts), filtered(candidate, answers[index])]))
  const doubtful = candidates.filter(({ facts }) => needsLook(below.get(keyOf(facts))))
  for (const [key, found] of await lookInto(log, doubtful, below, options)) below.set(key, found)
  return findings.map((finding) => {
    const found = below.get(keyOf(finding.custody))
    if (found === undefined || finding.facts.state !== 'known') return finding
    const facts = { ...finding.facts, below: found }
    return { ...finding, facts, verdict: judge(finding.custody, facts) }
  })
}

function candidateOf(finding: Finding, skewMs: number): Candidate | undefined {
  const { custody, facts, verdict } = finding
  const position = positionOf(custody)
  if (position === undefined || verdict.verdict !== 'valid' || facts.state !== 'known') return undefined
  const { offset, topicId, commitTime } = position
  if (topicId !== undefined || commitTime === undefined || offset <= facts.logStartOffset) return undefined
  return { finding, facts, offset, writtenBy: commitTime + skewMs }
}

async function laterRecords(log: Log, candidates: readonly Candidate[], { signal }: AskOptions): Promise<(TimeAnswer | TidemarkError)[]> {
  const questions = candidates.map(({ facts: { topic, partition }, writtenBy }) => ({ topic, partition, timestamp: writtenBy }))
  const answers = await log.offsetsAt(questions, { signal }).catch(refusal)
  return answers instanceof TidemarkError ? questions.map(() => answers) : answers
}

function filtered({ offset, writtenBy }: Candidate, answer: TimeAnswer | TidemarkError | undefined): BelowOffset {
  if (answer instanceof TidemarkError) return { writtenBy, laterFrom: null, unread: answer.what }
  if (answer?.state !== 'known') return { writtenBy, laterFrom: null, unread: answer?.reason ?? 'no answer' }
  return { writtenBy, laterFrom: answer.offset !== null && answer.offset < offset ? answer.offset : null }
}

function needsLook(below: BelowOffset | undefined): boolean {
  return below !== undefined && below.laterFrom !== null && below.unread === undefined
}

/** The first batch and the one just below the offset, of each of these. */
async function lookInto(
  log: Log,
  candidates: readonly Candidate[],
  below: ReadonlyMap<string, BelowOffset>,
  { signal }: AskOptions,
): Promise<Map<string, BelowOffset>> {
  if (candidates.length === 0) return new Map()
  const at = (offsetOf: (candidate: Candidate) => number): BatchQuestion[] =>
    candidates.map((candidate) => ({ topic: candidate.facts.topic, partition: candidate.facts.partition, offset: offsetOf(candidate) }))
  const questions = [...at(({ facts }) => facts.logStartOffset), ...at(({ offset }) => offset - 1)]
  const answers = await log.batches(questions, { signal }).catch(refusal)
  return new Map(
    candidates.map((candidate, index) => {
      const key = keyOf(candidate.facts)
      const filter = below.get(key) as BelowOffset
      if (answers instanceof TidemarkError) return [key, { ...filter, unread: answers.what }]
      return [key, { ...filter, ...seen(candidate, answers[index], answers[candidates.length + index]) }]
    }),
  )
}

function seen({ facts, offset }: Candidate, first?: BatchAnswer, last?: BatchAnswer): Partial<BelowOffset> {
  for (const answer of [first, last]) {
    if (answer?.state !== 'known') return { unread: answer === undefined ? 'no answer' : unreadReason(answer) }
    if (answer.topicId !== facts.topicId) return { unread: 'the topic was made anew while it was looked at' }
  }
  return { first: timesBelow(first, offset), last: timesBelow(last, offset) }
}

/** What keeps a look into the log from being made is said in its place; a signal's reason and a bug are thrown on. */
export function refusal(error: unknown): TidemarkError {
  if (error instanceof TidemarkError) return error
  throw error
}

/** Why the log can't be looked into, and where it is for want of a permission which one. */
export function unreadReason({ reason, detail }: Extract<BatchAnswer, { state: 'unknown' }>): string {
  return reason === 'TOPIC_AUTHORIZATION_FAILED'
    ? `reading the records needs the permission READ on the topic (${reason})`
    : `${reason}: ${detail}`
}

/** The times of a batch's records below an offset; undefined: it has none there. */
function timesBelow(answer: BatchAnswer | undefined, offset: number): BatchTimes | undefined {
  if (answer?.state !== 'known' || answer.batch === null) return undefined
  const { batch } = answer
  const { timestampType, baseOffset, lastOffset, maxTimestamp } = batch
  if (batch.isControl)
    return lastOffset < offset ? { fromOffset: baseOffset, toOffset: lastOffset, earliest: maxTimestamp, timestampType } : undefined
  const records = batch.records.filter((record) => record.offset < offset)
  const [first, last] = [records[0], records.at(-1)]
  if (first === undefined || last === undefined) return undefined
  const earliest = records.reduce((least, { timestamp }) => Math.min(least, timestamp), first.timestamp)
  return { fromOffset: first.offset, toOffset: last.offset, earliest, timestampType }
}
