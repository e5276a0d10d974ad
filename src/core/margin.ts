import { isExact, latestUpTo } from './oldest.ts'
import type { Placed, TimeSample } from './oldest.ts'
import type { TopicPartition } from './position.ts'

/** An offset that lies within its log. Several groups may ask about one partition. */
export interface MarginQuestion extends TopicPartition, Placed {}

/** How far retention is from an offset. Plain data; times are ms. */
export interface Margin extends TopicPartition {
  /** The committed offset that it is about. */
  readonly offset: number
  /** When the oldest unread record was made, ms since 1970, as far as the records' times are in order; null: nothing is unread, or it is not known. */
  readonly oldestUnreadAt: number | null
  /** How long ago that was. */
  readonly ageMs: number | null
  /**
   * How long from now until retention can pass the offset, at the earliest: the lesser of the next two. 0: at any moment; `never`: nothing is
   * removed here, or nothing is unread; null: not known, and the evidence says why.
   */
  readonly notBeforeMs: Bound
  /** By `retention.ms` alone: proven by a record's time. */
  readonly byTimeMs: Bound
  /** By `retention.bytes` alone: at the present rate and with records of the average size. */
  readonly bySizeMs: Bound
  /** Why, and what could not be had; sentences. */
  readonly evidence: readonly string[]
}

export type Bound = number | 'never' | null

/** A topic's settings about what is removed, as the partition's leader has them. -1: unlimited. */
export interface RetentionSettings {
  readonly cleanupPolicy: readonly string[]
  readonly retentionMs: number
  readonly retentionBytes: number
  /** Whether closed segments go to remote storage (KIP-405); the two above count for both kinds of storage then. */
  readonly isTiered: boolean
}

/** What there is to know of one partition about what is removed from it; or instead of it why it could not be had. */
export interface RetentionFacts {
  readonly settings: RetentionSettings | Unknown
  /** When records were made. */
  readonly samples: readonly TimeSample[]
  /** When the oldest unread record was made, ms since 1970, where it was looked at. */
  readonly oldestRead?: number | Unknown | undefined
  /** Bytes on the leader's disk, where `retention.bytes` makes them count. */
  readonly size?: number | Unknown | undefined
  /** Of a tiered topic: what lies below is in remote storage alone. */
  readonly localStartOffset?: number | undefined
}

export interface Unknown {
  readonly unknown: string
}

/** How far back rates are looked at: the highest counts. */
export const RATE_WINDOWS_MS = [600_000, 3_600_000] as const

/** One of the two bounds, and why. */
interface Bounded {
  readonly ms: Bound
  readonly evidence: readonly string[]
}

/**
 * How far retention is from an offset, by the time that is given. A broker removes whole segments, the oldest first, so that the log start
 * passes the offset only when the segment that holds it goes, and all below it have gone. From that two lower bounds follow:
 *
 * - By time a segment goes once its largest timestamp is older than `retention.ms` (the active one too, which is rolled then). While any record at or
 *   below the offset is younger, its segment is there, and with it all that follows. Later records in the segment, and
 *   `log.retention.check.interval.ms`, only add to that.
 * - By size a segment goes while what follows it is still `retention.bytes` or more. What follows the segment is no more than
 *   what follows the offset; so at least the rest up to `retention.bytes` has to be written first.
 *
 * The first is proven, by the broker's clock; under `compact,delete` only while compaction leaves the record there. The second holds at the present rate.
 * Neither covers what people do: shorter settings, DeleteRecords.
 */
export function marginOf(question: MarginQuestion, facts: RetentionFacts, now: number): Margin {
  const { offset, logEndOffset } = question
  if (offset >= logEndOffset) return margin(question, null, now, NOTHING_UNREAD, NOTHING_UNREAD)
  const { oldestRead } = facts
  const oldest = typeof oldestRead === 'number' ? oldestRead : latestTime(question, facts)
  return margin(question, oldest, now, byTime(question, facts, now), bySize(question, facts, now), [
    ...ageText(question, facts, oldest, now),
    ...remote(question, facts),
  ])
}

/** A margin that could not be looked for. */
export function unknownMargin(question: MarginQuestion, why: string): Margin {
  const bounded: Bounded = { ms: null, evidence: [`retention not known: ${why}`] }
  return margin(question, null, 0, bounded, bounded)
}

/** Whether retention can pass the offset sooner than that; false where it is not known. */
export function isBelow({ byTimeMs, bySizeMs }: Margin, warnMs: number): boolean {
  return [byTimeMs, bySizeMs].some((bound) => typeof bound === 'number' && bound < warnMs)
}

/** A span of time in its two largest units: `3 h 10 min`. Rounded down, as a bound has to be. */
export function spanText(ms: number): string {
  if (ms < 0) return `-${spanText(-ms)}`
  if (ms < 1_000) return `${Math.floor(ms)} ms`
  const parts = UNITS.map(([unit, length, count]) => [Math.floor(ms / length) % count, unit] as const)
  const first = parts.findIndex(([value]) => value > 0)
  return parts
    .slice(first, first + 3)
    .filter(([value], index) => value > 0 && index < (parts[first]?.[1] === 'd' ? 3 : 2))
    .map(([value, unit]) => `${value} ${unit}`)
    .join(' ')
}

const UNITS: ReadonlyArray<readonly [unit: string, ms: number, count: number]> = [
  ['d', 86_400_000, Number.POSITIVE_INFINITY],
  ['h', 3_600_000, 24],
  ['min', 60_000, 60],
  ['s', 1_000, 60],
]

const NOTHING_UNREAD: Bounded = { ms: 'never', evidence: ['nothing is unread'] }

function margin(
  { topic, partition, offset }: MarginQuestion,
  oldestUnreadAt: number | null,
  now: number,
  time: Bounded,
  size: Bounded,
  evidence: readonly string[] = [],
): Margin {
  return {
    topic,
    partition,
    offset,
    oldestUnreadAt,
    ageMs: oldestUnreadAt === null ? null : Math.max(0, now - oldestUnreadAt),
    notBeforeMs: lesser(time.ms, size.ms),
    byTimeMs: time.ms,
    bySizeMs: size.ms,
    evidence: [...new Set([...time.evidence, ...size.evidence, ...evidence])],
  }
}

/** What is not known may be less than anything but nothing. */
function lesser(a: Bound, b: Bound): Bound {
  if (a === 0 || b === 0) return 0
  if (a === null || b === null) return null
  if (a === 'never') return b
  return b === 'never' ? a : Math.min(a, b)
}

function ageText({ offset }: MarginQuestion, { samples, oldestRead }: RetentionFacts, oldest: number | null, now: number): string[] {
  if (oldest === null) return []
  const isSure = typeof oldestRead === 'number' || isExact(samples, offset)
  const age = `the oldest unread record is ${isSure ? '' : 'about '}${spanText(now - oldest)} old`
  return [isSure || oldestRead === undefined ? age : `${age}, by the times of others: ${oldestRead.unknown}`]
}

/** Of the record at the offset, where times are in order: the latest up to it. Where none is left up to it, of the first of all. */
function latestTime({ offset }: MarginQuestion, { samples }: RetentionFacts): number | null {
  const first = samples.find(({ asked }) => asked === 0)
  return latestUpTo(samples, offset)?.recordTime ?? first?.recordTime ?? null
}

function byTime(question: MarginQuestion, facts: RetentionFacts, now: number): Bounded {
  const { settings } = facts
  if ('unknown' in settings) return { ms: null, evidence: [`retention not known: ${settings.unknown}`] }
  if (!settings.cleanupPolicy.includes('delete')) return nothingRemoved(settings)
  const { retentionMs } = settings
  if (retentionMs < 0) return { ms: 'never', evidence: ['retention.ms is unlimited'] }
  const name = `retention.ms ${spanText(retentionMs)}`
  const made = latestTime(question, facts)
  if (made === null) return { ms: 0, evidence: [`${name}; no record up to the offset has a time`] }
  const compacted = settings.cleanupPolicy.includes('compact') ? ['compaction may remove the records that this rests on'] : []
  return { ms: Math.max(0, made + retentionMs - now), evidence: [name, ...compacted, ...holding(facts, made, now)] }
}

/** That it is not the oldest unread record that the bound rests on. */
function holding({ oldestRead }: RetentionFacts, made: number, now: number): string[] {
  if (typeof oldestRead !== 'number' || made <= oldestRead) return []
  return [`a record before the oldest unread one is later, ${spanText(now - made)} old, and holds it`]
}

function bySize(question: MarginQuestion, { settings, size, samples, localStartOffset }: RetentionFacts, now: number): Bounded {
  if ('unknown' in settings) return { ms: null, evidence: [] }
  if (!settings.cleanupPolicy.includes('delete')) return nothingRemoved(settings)
  const { retentionBytes } = settings
  if (retentionBytes < 0) return { ms: 'never', evidence: [] }
  const name = `retention.bytes ${retentionBytes}`
  if (typeof size !== 'number')
    return { ms: null, evidence: [`${name}; the size of the log is not known: ${size?.unknown ?? 'not asked'}`] }
  const { offset, logStartOffset, logEndOffset } = question
  const onDisk = logEndOffset - Math.max(logStartOffset, localStartOffset ?? 0)
  if (onDisk <= 0) return { ms: null, evidence: [`${name}; no record on the leader's disk tells their average size`] }
  const bytesEach = size / onDisk
  const unread = (logEndOffset - offset) * bytesEach
  const perSecond = recordsPerSecond(question, samples, now) * bytesEach
  const evidence = [
    `${name}; about ${Math.round(unread)} bytes from the offset on, growing by ${Math.round(perSecond * 3_600)} bytes an hour`,
  ]
  if (unread >= retentionBytes) return { ms: 0, evidence }
  return { ms: perSecond === 0 ? 'never' : Math.floor(((retentionBytes - unread) / perSecond) * 1_000), evidence }
}

/** The highest of the rates in the windows, and of all that is left, by the times of the records. */
function recordsPerSecond({ logEndOffset }: MarginQuestion, samples: readonly TimeSample[], now: number): number {
  const rates = samples.flatMap(({ asked, offset, recordTime }) => {
    if (offset === null || recordTime === null) return []
    const since = asked === 0 ? recordTime : asked
    const isWindow = asked === 0 || RATE_WINDOWS_MS.some((window) => asked === now - window)
    return isWindow && since < now ? [(logEndOffset - offset) / ((now - since) / 1_000)] : []
  })
  return Math.max(0, ...rates)
}

function nothingRemoved({ cleanupPolicy }: RetentionSettings): Bounded {
  return { ms: 'never', evidence: [`cleanup.policy ${cleanupPolicy.join(',') || 'none'}: retention removes nothing`] }
}

function remote({ offset }: MarginQuestion, { settings, localStartOffset }: RetentionFacts): string[] {
  if ('unknown' in settings || !settings.isTiered || localStartOffset === undefined) return []
  return offset < localStartOffset
    ? [`the records from the offset to ${localStartOffset - 1} are in remote storage alone (local log start ${localStartOffset})`]
    : [`tiered: local log start ${localStartOffset}`]
}
