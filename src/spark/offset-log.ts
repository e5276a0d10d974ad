import type { Stored } from '../core/custody.ts'
import type { TopicPartition } from '../core/position.ts'
import { TidemarkError } from '../errors.ts'
import { corrupt, storedText } from '../store/stored.ts'

/**
 * A Kafka source's next offsets: topic, partition, value. A value is kept as the JSON text that was read: a number beyond 2^53 - 1 is
 * neither rounded nor lost when it is written again.
 */
export type KafkaOffsets = ReadonlyMap<string, ReadonlyMap<number, string>>

/** What a batch says of one source. */
export interface SourceOffsets {
  /** Its place in the query; with version 2 and a named source its name. Its starting offsets are in `sources/<id>/0`. */
  readonly id: string
  /** As it is written; `-`: nothing yet, so the source begins at its starting offsets. */
  readonly raw: string
  /** undefined: no Kafka source, or nothing yet. */
  readonly offsets?: KafkaOffsets | undefined
}

/** The content of `offsets/N` of a Structured Streaming checkpoint: up to where batch N reads each source. */
export interface OffsetLog {
  readonly version: 1 | 2
  /** The second line, JSON; empty where there is none (continuous processing). */
  readonly header: string
  /** When the batch was planned, ms since 1970. */
  readonly batchTimestampMs?: number | undefined
  /** The watermark of event time, ms; 0 where the query has none. */
  readonly batchWatermarkMs?: number | undefined
  readonly sources: readonly SourceOffsets[]
}

/** What Spark writes for a source that has no offset yet. */
const NONE = '-'

/** Reads `offsets/N`, version 1 or 2. @throws TidemarkError STORE_CORRUPT, without the file's name */
export function parseOffsetLog(text: string): OffsetLog {
  const [first = '', header, ...lines] = linesOf(text)
  const version = versionOf(first)
  if (header === undefined) throw unreadable(`it ends after ${JSON.stringify(first)}`)
  return { version, header, ...timesIn(header), sources: lines.map((line, index) => sourceIn(line, index, version)) }
}

/** The text of `offsets/N`, without a trailing newline, as Spark writes it. */
export function printOffsetLog({ version, header, sources }: OffsetLog): string {
  const lines = sources.map(({ id, raw }) => (version === 1 ? raw : `${id}:${raw}`))
  return [`v${version}`, header, ...lines].join('\n')
}

/** Reads the starting offsets of a source, `sources/<id>/0`; Kafka's begin with a zero byte. @throws TidemarkError STORE_CORRUPT */
export function parseStartingOffsets(content: Buffer, id: string): SourceOffsets {
  const text = content.toString('utf8')
  const [first = '', raw] = linesOf(text.startsWith('\0') ? text.slice(1) : text)
  versionOf(first)
  if (raw === undefined) throw unreadable(`it ends after ${JSON.stringify(first)}`)
  return sourceOf(id, raw)
}

/** One partition's next offset. */
export interface NextOffset extends TopicPartition {
  readonly offset: number
}

/** The same batch at another time with other offsets, each in the source that `sourceOf` names. All that does not move is left as it was written. */
export function movedTo(
  log: OffsetLog,
  moves: readonly NextOffset[],
  batchTimestampMs: number,
  sourceFor: (partition: TopicPartition) => string,
): OffsetLog {
  const sources = log.sources.map((source) => {
    const own = moves.filter((move) => sourceFor(move) === source.id)
    return own.length === 0 ? source : sourceOf(source.id, printOffsets(withMoves(source.offsets ?? new Map(), own)))
  })
  // The value alone: whatever else Spark keeps in the header stays byte by byte.
  const header = log.header.replace(/("batchTimestampMs"\s*:\s*)-?\d+/, `$1${batchTimestampMs}`)
  return { ...log, header, batchTimestampMs, sources }
}

/** What the text of an offset is: Spark writes numbers, and nothing else is one. */
export function storedOffset(json: string): Exclude<Stored, { state: 'absent' | 'unknown' }> {
  return json.startsWith('"') ? corrupt(String(JSON.parse(json)), 'it is a text, not a number') : storedText(json)
}

/** A Kafka source's offsets as one line. */
function printOffsets(offsets: KafkaOffsets): string {
  const topics = [...offsets].map(([topic, partitions]) => {
    const values = [...partitions].map(([partition, json]) => `"${partition}":${json}`)
    return `${JSON.stringify(topic)}:{${values.join(',')}}`
  })
  return `{${topics.join(',')}}`
}

function withMoves(offsets: KafkaOffsets, moves: readonly NextOffset[]): KafkaOffsets {
  const moved = new Map([...offsets].map(([topic, partitions]) => [topic, new Map(partitions)]))
  for (const { topic, partition, offset } of moves) {
    const partitions = moved.get(topic) ?? new Map<number, string>()
    moved.set(topic, partitions.set(partition, String(offset)))
  }
  return moved
}

/** Spark reads lines, so that a newline at the end, which it never writes itself, changes nothing. */
function linesOf(text: string): string[] {
  return text.replace(/\n$/, '').split('\n')
}

function versionOf(line: string): 1 | 2 {
  if (line === 'v1') return 1
  if (line === 'v2') return 2
  throw unreadable(line === '' ? 'it is empty' : `it begins with ${JSON.stringify(line.slice(0, 20))}, and versions v1 and v2 are known`)
}

function timesIn(header: string): Pick<OffsetLog, 'batchTimestampMs' | 'batchWatermarkMs'> {
  if (header.trim() === '') return {}
  const parsed = jsonOf(header)
  if (parsed === undefined) throw unreadable('its second line is no JSON')
  return { batchTimestampMs: timeIn(parsed, 'batchTimestampMs'), batchWatermarkMs: timeIn(parsed, 'batchWatermarkMs') }
}

function timeIn(header: Record<string, unknown>, name: string): number | undefined {
  const time = Number(header[name])
  return Number.isSafeInteger(time) ? time : undefined
}

function sourceIn(line: string, index: number, version: 1 | 2): SourceOffsets {
  if (version === 1) return sourceOf(String(index), line)
  const colon = line.indexOf(':')
  if (colon < 1) throw unreadable(`${JSON.stringify(line.slice(0, 40))} names no source`)
  return sourceOf(line.slice(0, colon), line.slice(colon + 1))
}

function sourceOf(id: string, raw: string): SourceOffsets {
  return { id, raw, offsets: raw === NONE ? undefined : kafkaOffsetsIn(raw) }
}

/** Kafka's offsets are an object of topics, each an object of partition numbers; a line of any other shape is another source's. */
function kafkaOffsetsIn(line: string): KafkaOffsets | undefined {
  const topics = jsonOf(line)
  if (topics === undefined) return undefined
  const offsets = new Map<string, Map<number, string>>()
  for (const [topic, partitions] of Object.entries(topics)) {
    if (typeof partitions !== 'object' || Array.isArray(partitions)) return undefined
    const values = Object.entries(partitions)
    if (!values.every(([partition, json]) => /^\d{1,9}$/.test(partition) && typeof json === 'string')) return undefined
    offsets.set(topic, new Map(values.map(([partition, json]) => [Number(partition), json as string])))
  }
  return offsets
}

type JsonTexts = { readonly [key: string]: string | JsonTexts }

/** A JSON object with the text of every number and string in place of its value; undefined: it is none. */
function jsonOf(text: string): JsonTexts | undefined {
  try {
    const parsed: unknown = JSON.parse(text, textOf as (key: string, value: unknown) => unknown)
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? (parsed as JsonTexts) : undefined
  } catch {
    return undefined
  }
}

/** A reviver: what is no object as it is written. */
function textOf(_key: string, value: unknown, { source }: { readonly source?: string }): unknown {
  return typeof value === 'object' && value !== null ? value : source
}

function unreadable(what: string): TidemarkError {
  return new TidemarkError('STORE_CORRUPT', what, { hint: 'Spark itself can’t start from it: restore the checkpoint, or begin a new one' })
}
