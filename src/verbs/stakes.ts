import type { KnownFacts } from '../core/facts.ts'
import type { PlanEntry } from '../core/plan.ts'
import { TidemarkError } from '../errors.ts'
import type { BatchAnswer, LogBatch, Log, RecordSummary } from '../kafka/log.ts'
import { refusal, unreadReason } from './below.ts'

/** Records that a move skips or reads again. Offsets, of which not every one need have a record. */
export interface Stake {
  readonly kind: 'skipped' | 'reread'
  readonly fromOffset: number
  readonly untilOffset: number
  /** How many of these offsets lie below the log start: their records are gone. */
  readonly removed: number
  /** The first and the last record of them that the log still has; null: it has none of them, or they could not be read. */
  readonly first: StakeRecord | null
  readonly last: StakeRecord | null
  /** Why there is not more to say. */
  readonly note: string | null
}

/** One record, without its value. */
export interface StakeRecord {
  readonly offset: number
  /** ms since 1970. */
  readonly timestamp: number
  /** The first 64 bytes of its key, as text; or where they are none in hexadecimal digits after `0x`. */
  readonly key: string | null
  /** Bytes of key and value. */
  readonly size: number
}

/** How often the log is looked into for the last record before an offset: markers and what compaction left empty are passed over. */
const MAX_LOOKS_BACK = 4

/** What the moves of some plan entries, all of one partition, do to records: for each entry the stakes that it has. */
export async function stakesOf(log: Log, facts: KnownFacts, entries: readonly PlanEntry[]): Promise<Stake[][]> {
  const looks = new Looks(log, facts)
  const stakes: Stake[][] = []
  for (const entry of entries) {
    const found: Stake[] = []
    for (const span of spansOf(entry, facts)) found.push(await stakeOf(looks, facts, span))
    stakes.push(found)
  }
  return stakes
}

type Span = Pick<Stake, 'kind' | 'fromOffset' | 'untilOffset'>

/** Of a recreated topic nobody knows what was unread of the old one; what is skipped of the new one is known. */
function spansOf({ move }: PlanEntry, { logStartOffset }: KnownFacts): Span[] {
  if (move === undefined) return []
  const { to, skipped, reread } = move
  const fromOffset = skipped === null ? Math.min(logStartOffset, to) : to - skipped
  const spans: Span[] = [
    { kind: 'skipped', fromOffset, untilOffset: to },
    { kind: 'reread', fromOffset: to, untilOffset: to + reread },
  ]
  return spans.filter((span) => span.fromOffset < span.untilOffset)
}

async function stakeOf(looks: Looks, { logStartOffset }: KnownFacts, span: Span): Promise<Stake> {
  const from = Math.max(span.fromOffset, logStartOffset)
  const removed = Math.min(from, span.untilOffset) - span.fromOffset
  if (from >= span.untilOffset) return { ...span, removed, first: null, last: null, note: null }
  const first = await firstRecord(looks, from, span.untilOffset)
  if (typeof first === 'string') return { ...span, removed, first: null, last: null, note: first }
  const last = await lastRecord(looks, first.offset, span.untilOffset)
  if (typeof last === 'string') return { ...span, removed, first: printed(first), last: null, note: last }
  return { ...span, removed, first: printed(first), last: printed(last), note: null }
}

const NOTHING_LEFT = 'no record of them is left: compaction, or markers of transactions'

async function firstRecord(looks: Looks, from: number, until: number): Promise<RecordSummary | string> {
  for (let at = from, look = 0; at < until && look < MAX_LOOKS_BACK; look++) {
    const batch = await looks.at(at)
    if (typeof batch === 'string') return batch
    if (batch === null || batch.baseOffset >= until) return NOTHING_LEFT
    const found = batch.records.find(({ offset }) => offset >= from && offset < until)
    if (found !== undefined) return found
    at = batch.lastOffset + 1
  }
  return NOTHING_LEFT
}

/** The batch with the last offset may hold a marker alone; where compaction removed it, the one that is found there lies behind it. */
async function lastRecord(looks: Looks, from: number, until: number): Promise<RecordSummary | string> {
  for (let at = until - 1, look = 0, step = 1; at >= from && look < MAX_LOOKS_BACK; look++, step *= 8) {
    const batch = await looks.at(at)
    if (typeof batch === 'string') return batch
    const found = batch?.records.findLast(({ offset }) => offset >= from && offset < until)
    if (found !== undefined) return found
    at = Math.min(at - step, (batch?.baseOffset ?? at) - 1)
  }
  return 'the last of them was not found: compaction left gaps there'
}

/** Looks into one partition's log; none twice. */
class Looks {
  readonly #log: Log
  readonly #facts: KnownFacts
  readonly #done = new Map<number, Promise<LogBatch | string | null>>()

  constructor(log: Log, facts: KnownFacts) {
    this.#log = log
    this.#facts = facts
  }

  /** The batch at an offset, or why it could not be had. */
  at(offset: number): Promise<LogBatch | string | null> {
    const look = this.#done.get(offset) ?? this.#look(offset)
    this.#done.set(offset, look)
    return look
  }

  async #look(offset: number): Promise<LogBatch | string | null> {
    const { topic, partition, topicId } = this.#facts
    const answers = await this.#log.batches([{ topic, partition, offset }]).catch(refusal)
    if (answers instanceof TidemarkError) return answers.what
    const answer = answers[0] as BatchAnswer
    if (answer.state === 'unknown') return unreadReason(answer)
    return answer.topicId === topicId ? answer.batch : 'the topic was made anew while it was looked at'
  }
}

function printed({ offset, timestamp, key, bytes }: RecordSummary): StakeRecord {
  return { offset, timestamp, key: key === null ? null : keyText(key), size: bytes }
}

/** Keys are mostly text; one that was cut may end in half a character. */
function keyText(key: Buffer): string {
  const text = key.toString('utf8').replace(/\ufffd$/, '')
  return /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\ufffd]/u.test(text) ? `0x${key.toString('hex')}` : text
}
