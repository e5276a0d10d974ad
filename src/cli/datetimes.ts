const FORM = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d{3})?(Z|[+-]\d\d(?::\d\d)?)?$/

/** How a point in time is written, for messages. */
export const DATETIME_FORMS = 'Write 2026-11-30T18:00:00.000, as Kafka does (UTC), or with a zone: 2026-11-30T18:00:00Z, …+01:00'

/**
 * The ms since 1970 of `YYYY-MM-DDTHH:mm:SS.sss`; undefined for anything else. As with Kafka's own tool no zone means UTC. What that tool reads
 * in a surprising way (`.5` as 5 ms, `+0230` as +02:00) is not taken at all.
 */
export function parseDateTime(text: string): number | undefined {
  const match = FORM.exec(text)
  if (match === null) return undefined
  const [, day = '', time = '', fraction = '.000', zone = 'Z'] = match
  // Date rolls 30 February over into March; written back, a real day is itself.
  const asUtc = new Date(`${day}T${time}${fraction}Z`)
  if (Number.isNaN(asUtc.getTime()) || asUtc.toISOString() !== `${day}T${time}${fraction}Z`) return undefined
  const at = Date.parse(`${day}T${time}${fraction}${zone.length === 3 ? `${zone}:00` : zone}`)
  return Number.isNaN(at) ? undefined : at
}

/** A point in time as results show it. */
export function printDateTime(ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString()
}
