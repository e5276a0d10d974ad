/** A fixed number of milliseconds for each unit of the short form, `1h30m`. */
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

const SHORT = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/i
const SHORT_PARTS = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/gi
/** What Java's Duration.parse reads, since Kafka's own tools take durations so; without signs. */
const ISO = /^P(?=[\dT])(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:[.,]\d{1,9})?)S)?)?$/i

/** How a duration is written, for messages. */
export const DURATION_FORMS = 'Write 500ms, 30s, 5m, 1h30m, 2d, or ISO 8601: PT5M, P1DT2H'

/** The milliseconds of `5m`, `1h30m` or `P1DT2H`; undefined for anything else. A bare number has no unit and is none. */
export function parseDuration(text: string): number | undefined {
  const ms = SHORT.test(text) ? shortForm(text) : isoForm(text)
  return ms === undefined || !Number.isSafeInteger(Math.round(ms)) ? undefined : Math.round(ms)
}

/** A span of time in the short form, in its two largest units, or three from days on; rounded down. */
export function printDuration(ms: number): string {
  const parts = Object.entries(UNITS)
    .toReversed()
    .map(([unit, length], index, units) => [Math.floor((ms % (units[index - 1]?.[1] ?? Number.POSITIVE_INFINITY)) / length), unit] as const)
  const first = parts.findIndex(([value]) => value > 0)
  if (first < 0) return '0s'
  return parts
    .slice(first, first + (parts[first]?.[1] === 'd' ? 3 : 2))
    .filter(([value, unit]) => value > 0 && (unit !== 'ms' || ms < 1_000))
    .map(([value, unit]) => `${value}${unit}`)
    .join('')
}

function shortForm(text: string): number {
  return [...text.matchAll(SHORT_PARTS)].reduce(
    (total, [, count, unit = '']) => total + Number(count) * (UNITS[unit.toLowerCase()] ?? 0),
    0,
  )
}

function isoForm(text: string): number | undefined {
  const match = ISO.exec(text)
  if (match === null) return undefined
  const [days, hours, minutes, seconds] = match.slice(1).map((part) => Number((part as string | undefined)?.replace(',', '.') ?? 0)) as [
    number,
    number,
    number,
    number,
  ]
  return ((days * 24 + hours) * 60 + minutes) * 60_000 + seconds * 1_000
}
