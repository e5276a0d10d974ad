/** What ListOffsets answers for a time: the first record in offset order that was made at it or later. */
export interface TimeSample {
  /** The time that was asked for, ms since 1970. */
  readonly asked: number
  /** Of that record, or one below which there is none so late; null: there is none in all of the log. */
  readonly offset: number | null
  /** When the record was made, ms since 1970; null: the offset is not that of one. */
  readonly recordTime: number | null
}

/** An offset within its log. */
export interface Placed {
  readonly offset: number
  readonly logStartOffset: number
  readonly logEndOffset: number
}

/** A record that is known to be in the log. */
export interface TimedRecord {
  readonly offset: number
  readonly recordTime: number
}

/** What is less is not worth a request: so many ms, such a share of the age, and such a share of what is left of the retention. */
const PRECISION = { ms: 1_000, ofAge: 1 / 10_000, ofRest: 1 / 100 }
/** So many questions may follow the rate; if they were not enough, it tells nothing. */
const BY_RATE = 6

/** The latest record at or below an offset that the samples name; undefined: they name none. */
export function latestUpTo(samples: readonly TimeSample[], offset: number): (TimeSample & TimedRecord) | undefined {
  const records = samples.filter((sample): sample is TimeSample & TimedRecord => isRecord(sample) && sample.offset <= offset)
  return records.reduce<(TimeSample & TimedRecord) | undefined>(
    (latest, sample) => (latest === undefined || sample.recordTime >= latest.recordTime ? sample : latest),
    undefined,
  )
}

function isRecord(sample: TimeSample): sample is TimeSample & TimedRecord {
  return sample.offset !== null && sample.recordTime !== null
}

/**
 * The time to ask for next, to learn how late the records up to an offset were made; undefined: enough is known, or no more can be.
 * Closes in from both sides: by the rate at which records came, and in turn by halves, since they need not have come evenly. Every
 * answer in between names a record, so that what is known is true however early one stops.
 * @param turn how often it was asked before
 * @param retentionMs what the topic keeps, where that is known: the closer to it, the finer
 */
export function nextTime(
  samples: readonly TimeSample[],
  placed: Placed,
  now: number,
  turn: number,
  retentionMs?: number,
): number | undefined {
  const latest = latestUpTo(samples, placed.offset)
  if (latest === undefined)
    return samples.some(({ asked, offset }) => asked === 0 && (offset === null || offset > placed.offset)) ? undefined : 0
  if (latest.recordTime >= now || isExact(samples, placed.offset)) return undefined
  const beyond = earliestBeyond(samples, placed, now)
  const span = beyond.time - latest.recordTime
  if (span <= Math.max(1, precision(now - latest.recordTime, retentionMs))) return undefined
  const guess = (turn % 2 === 1 || turn === 0) && turn < BY_RATE ? byRate(latest, beyond, placed.offset) : byHalves(latest, beyond, now)
  return Math.min(beyond.time - 1, Math.max(latest.recordTime + 1, Math.round(guess)))
}

/** Whether the time of the record at an offset is known, and that none below it is later. */
export function isExact(samples: readonly TimeSample[], at: number): boolean {
  return samples.some((sample) => isRecord(sample) && sample.offset === at)
}

/** Of these samples those that tell something of the offsets, now and once the log has grown. */
export function tellingSamples(samples: readonly TimeSample[], placed: readonly Placed[]): TimeSample[] {
  const telling = new Map<number, TimeSample>()
  for (const place of placed) {
    const latest = latestUpTo(samples, place.offset)
    if (latest !== undefined) telling.set(latest.asked, latest)
    const { time, offset } = earliestBeyond(samples, place, Number.POSITIVE_INFINITY)
    const beyond = samples.find(({ asked }) => asked === time)
    if (beyond !== undefined) telling.set(time, { ...beyond, offset })
  }
  return [...telling.values()]
}

/** The least time from which on no record is at or below the offset; now, where no sample says so, as if the log ended then. */
function earliestBeyond(samples: readonly TimeSample[], { offset, logEndOffset }: Placed, now: number): { time: number; offset: number } {
  let beyond = { time: now, offset: logEndOffset }
  for (const sample of samples) {
    const isBeyond = sample.offset === null || sample.offset > offset
    if (isBeyond && sample.asked < beyond.time) beyond = { time: sample.asked, offset: sample.offset ?? logEndOffset }
  }
  return beyond
}

function precision(ageMs: number, retentionMs = Number.POSITIVE_INFINITY): number {
  const { ms, ofAge, ofRest } = PRECISION
  return Math.max(ms, ageMs * ofAge, Math.min(ageMs, Math.abs(retentionMs - ageMs)) * ofRest)
}

function byRate(latest: TimedRecord, beyond: { time: number; offset: number }, offset: number): number {
  const share = (offset - latest.offset) / Math.max(1, beyond.offset - latest.offset)
  return latest.recordTime + share * (beyond.time - latest.recordTime)
}

/** By halves of the ages' orders of magnitude: what is nearly read up may be seconds old in a log of weeks. */
function byHalves(latest: TimedRecord, beyond: { time: number }, now: number): number {
  return now - Math.sqrt((now - latest.recordTime) * Math.max(PRECISION.ms, now - beyond.time))
}
