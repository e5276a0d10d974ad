import type { BatchTimes, BelowOffset, KnownFacts } from './facts.ts'
import type { Position } from './position.ts'

/** Whether a number is suspect, and why or why not. */
export interface Suspicion {
  readonly holds: boolean
  readonly detail: string
}

/**
 * Whether what lies below a number without identity was written after the number: then it can't be what was read, and the topic was made
 * anew, or its log cut and grown again. Records that only claim to be later prove nothing: one that was stamped with a future time, or
 * times out of order. So the batch just below the offset counts, in which no record may be older, and never a single record.
 */
export function suspect(position: Position, facts: KnownFacts): Suspicion {
  const { offset, topicId, commitTime } = position
  const { below, logStartOffset } = facts
  if (topicId !== undefined) return no('a topic ID is stored, which says more than times do')
  if (commitTime === undefined) return no('the time of the commit is not known')
  if (offset <= logStartOffset) return no('no record below the offset is left')
  if (below === undefined) return no('the times of the records below the offset were not asked for')
  if (below.laterFrom === null)
    return no(`no record below the offset is later than its commit at ${timeText(commitTime)}; that proves nothing`)
  if (below.unread !== undefined) return no(unreadText(below))
  const { first, last } = below
  if (last === undefined || !isLater(last, below)) return no(otherwise(below, commitTime))
  const wholeLog = first !== undefined && first.earliest >= below.writtenBy
  return { holds: true, detail: wholeLog ? wholeText(first, last, commitTime) : tailText(first, last, below, commitTime) }
}

function no(detail: string): Suspicion {
  return { holds: false, detail }
}

/** That there is reason to look at the records, and that they could not be read. */
export function unreadBelow({ below }: KnownFacts): string[] {
  return below?.unread === undefined ? [] : [unreadText(below)]
}

function isLater(last: BatchTimes, { writtenBy, laterFrom }: BelowOffset): boolean {
  return last.earliest >= writtenBy && laterFrom !== null && laterFrom < last.toOffset
}

function otherwise({ laterFrom }: BelowOffset, commitTime: number): string {
  return `the record at ${laterFrom} is later than the commit at ${timeText(commitTime)}, but the records just below the offset are not, or it is the only one: no suspicion, and no proof either`
}

function wholeText(first: BatchTimes, last: BatchTimes, commitTime: number): string {
  return `the whole log below the offset was written after the commit at ${timeText(commitTime)}: its first batch, ${span(first)}, and the one just below the offset, ${span(last)}: perhaps the topic was made anew`
}

function tailText(first: BatchTimes | undefined, last: BatchTimes, { laterFrom }: BelowOffset, commitTime: number): string {
  const older = first === undefined ? '' : `, while its first batch, ${span(first)}, was not`
  return `the log just below the offset was written after the commit at ${timeText(commitTime)}: the batch ${span(last)}; the first later record is at ${laterFrom}${older}: perhaps the log was cut there and grew again`
}

function span({ fromOffset, toOffset, earliest, timestampType }: BatchTimes): string {
  const offsets = fromOffset === toOffset ? `at ${fromOffset}` : `at ${fromOffset} to ${toOffset}`
  return `${offsets}, from ${timeText(earliest)} on (${timestampType})`
}

function unreadText({ laterFrom, unread }: BelowOffset): string {
  return laterFrom === null
    ? `whether records below the offset are later than its commit is not known: ${unread}`
    : `the record at ${laterFrom} is later than the commit; whether that is more than one record's clock is not known: ${unread}`
}

function timeText(ms: number): string {
  return new Date(ms).toISOString()
}
