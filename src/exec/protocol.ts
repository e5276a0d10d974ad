import { isUtf8 } from 'node:buffer'
import * as v from 'valibot'
import type { OffsetRange } from '../core/position.ts'
import { printRange } from '../job/batch.ts'
import type { KafkaRecord } from '../kafka/log.ts'

/*
 * What goes over a process's standard input and output, one JSON document a line; docs/exec.md describes it for those who write handlers.
 * The keys of a batch come in this order, so that a shell script finds the acknowledgement at the start of the line.
 */

/** How long a piece of a batch's line gets before it is written, characters. */
const PIECE_LENGTH = 64 * 1024
/** How much of what a process wrote an error shows, characters. */
const SHOWN = 200

/** A batch, or what of it one process works on. */
export interface Part {
  readonly ranges: readonly OffsetRange[]
  readonly records: Iterable<KafkaRecord>
}

/** What a process was asked to do. */
export interface Asked {
  /** Of this one attempt: an answer to an earlier one can't be taken for an answer to this. */
  readonly id: string
  readonly ranges: readonly OffsetRange[]
  /** Whether all of the batch was written to the process. */
  readonly sent: boolean
}

/** What a line of a process's standard output comes to. */
export type Answer =
  | { readonly state: 'done' }
  | { readonly state: 'failed'; readonly error: string }
  | { readonly state: 'refused'; readonly why: string }

/** A batch as one line, in pieces, so that it is never in memory as a whole. */
export function* encodeBatch(id: string, { ranges, records }: Part): Generator<string> {
  let piece = `{"batch":${JSON.stringify(id)},"ranges":${JSON.stringify(ranges.map(plainRange))},"records":[`
  let separator = ''
  for (const record of records) {
    piece += separator + encodeRecord(record)
    separator = ','
    if (piece.length < PIECE_LENGTH) continue
    yield piece
    piece = ''
  }
  yield `${piece}]}\n`
}

function encodeRecord({ topic, partition, offset, timestamp, key, value, headers }: KafkaRecord): string {
  return JSON.stringify({
    topic,
    partition,
    offset,
    timestamp,
    key: encodeBytes(key),
    value: encodeBytes(value),
    headers: headers.map(([name, header]) => [name, encodeBytes(header)]),
  })
}

/** Text as it is; what is not UTF-8 as base64, in an object, so that no text can be taken for it. */
function encodeBytes(bytes: Buffer | null): string | { base64: string } | null {
  if (bytes === null) return null
  return isUtf8(bytes) ? bytes.toString('utf8') : { base64: bytes.toString('base64') }
}

function plainRange({ topic, partition, fromOffset, untilOffset }: OffsetRange): OffsetRange {
  return { topic, partition, fromOffset, untilOffset }
}

const answer = v.union([
  v.object({ batch: v.string(), error: v.string() }),
  v.object({
    batch: v.string(),
    ranges: v.array(v.object({ topic: v.string(), partition: v.number(), fromOffset: v.number(), untilOffset: v.number() })),
  }),
])

/** Judges a line that a process wrote, by what it was asked. Whatever is not the one right answer is refused. */
export function readAnswer(line: string, asked: Asked | undefined): Answer {
  const json = parseJson(line)
  if (json === undefined) return refused(`wrote a line on its standard output that is no JSON: ${shown(line)}`)
  const { success, output } = v.safeParse(answer, json)
  if (!success) return refused(`wrote a line that is no acknowledgement of a batch and its ranges: ${shown(line)}`)
  if (output.batch !== asked?.id) {
    const inHand = asked === undefined ? 'it has no batch in hand' : `the batch in hand is ${asked.id}`
    return refused(`answered for batch ${shown(output.batch)}, late, twice or never asked: ${inHand}`)
  }
  if (!asked.sent) return refused('answered for a batch before it had read all of it')
  return 'error' in output ? { state: 'failed', error: output.error } : compareRanges(asked.ranges, output.ranges)
}

function compareRanges(asked: readonly OffsetRange[], acknowledged: readonly OffsetRange[]): Answer {
  const wanted = new Set(asked.map(printRange))
  const named = new Set(acknowledged.map(printRange))
  const foreign = [...named].find((range) => !wanted.has(range))
  if (foreign !== undefined) return refused(`acknowledged ${shown(foreign)}, which is not of its batch`)
  const missing = [...wanted].find((range) => !named.has(range))
  if (missing !== undefined) return refused(`acknowledged only some of its batch's ranges: ${missing} is not among them`)
  return { state: 'done' }
}

function refused(why: string): Answer {
  return { state: 'refused', why }
}

function shown(text: string): string {
  return JSON.stringify(text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text)
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
