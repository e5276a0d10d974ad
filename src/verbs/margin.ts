import { marginOf, unknownMargin } from '../core/margin.ts'
import type { Margin, MarginQuestion, Unknown } from '../core/margin.ts'
import { TidemarkError } from '../errors.ts'
import type { AskOptions, Log, RetentionAnswer, RetentionOptions } from '../kafka/log.ts'
import { refusal, unreadReason } from './below.ts'
import type { CheckRow } from './check.ts'

/**
 * How far retention is from each of these offsets: one answer per question, in order, in O(brokers) requests. DESCRIBE and
 * DESCRIBE_CONFIGS on the topics are enough, and where `retention.bytes` counts DESCRIBE on the cluster; what is refused or out of reach
 * is said in the evidence and never thrown.
 * @throws the signal's reason
 */
export async function readMargins(log: Log, questions: readonly MarginQuestion[], options: RetentionOptions): Promise<Margin[]> {
  const unread = questions.filter(isUnread)
  const answers = unread.length === 0 ? [] : await asked(log, unread, options)
  const found = new Map(unread.map((question, index) => [question, answers[index]]))
  return questions.map((question) => marginFrom(question, found.get(question), options.now))
}

/** One margin, with the exact age of the oldest unread record where READ on the topic allows to look at it. */
export async function readMargin(log: Log, question: MarginQuestion, options: RetentionOptions): Promise<Margin> {
  if (!isUnread(question) || log.retention === undefined) return marginFrom(question, undefined, options.now)
  const [[answer], oldestRead] = await Promise.all([asked(log, [question], options), lookAt(log, question, options)])
  const isKnown = answer !== undefined && !(answer instanceof TidemarkError) && answer.state === 'known'
  return marginFrom(question, isKnown ? { ...answer, facts: { ...answer.facts, oldestRead } } : answer, options.now)
}

function isUnread({ offset, logEndOffset }: MarginQuestion): boolean {
  return offset < logEndOffset
}

function marginFrom(question: MarginQuestion, answer: RetentionAnswer | TidemarkError | undefined, now: number): Margin {
  if (answer instanceof TidemarkError) return unknownMargin(question, answer.what)
  if (answer?.state === 'unknown') return unknownMargin(question, `${answer.reason}: ${answer.detail}`)
  return marginOf(question, answer?.facts ?? NO_RETENTION, now)
}

/** When the first record from the offset on was made, or why that can't be said. */
async function lookAt(log: Log, { topic, partition, offset }: MarginQuestion, { signal }: AskOptions): Promise<number | Unknown> {
  const answers = await log.batches([{ topic, partition, offset }], { signal }).catch(refusal)
  if (answers instanceof TidemarkError) return { unknown: answers.what }
  const [answer] = answers
  if (answer?.state !== 'known') return { unknown: answer === undefined ? 'no answer' : unreadReason(answer) }
  const record = answer.batch?.records.find((one) => one.offset >= offset)
  return record?.timestamp ?? { unknown: 'there is no record at the offset: compaction, or a marker of a transaction' }
}

/** The same for the rows of a check: null for those whose offset is not known to lie within its log. */
export async function marginsOf(log: Log, rows: readonly CheckRow[], options: RetentionOptions): Promise<(Margin | null)[]> {
  const questions = rows.map(questionOf)
  const margins = await readMargins(
    log,
    questions.filter((question) => question !== null),
    options,
  )
  let next = 0
  return questions.map((question) => (question === null ? null : (margins[next++] ?? null)))
}

/** What to ask of a row; null: its offset is not known to lie within its log. */
export function questionOf({ topic, partition, committedOffset, logStartOffset, logEndOffset, verdict }: CheckRow): MarginQuestion | null {
  if (verdict !== 'valid' && verdict !== 'suspect') return null
  if (committedOffset === null || logStartOffset === null || logEndOffset === null) return null
  return { topic, partition, offset: committedOffset, logStartOffset, logEndOffset }
}

/** A log that has no retention removes nothing by itself. */
const NO_RETENTION = {
  settings: { cleanupPolicy: [], retentionMs: -1, retentionBytes: -1, isTiered: false },
  samples: [],
} as const

async function asked(
  log: Log,
  questions: readonly MarginQuestion[],
  options: RetentionOptions,
): Promise<(RetentionAnswer | TidemarkError | undefined)[]> {
  if (log.retention === undefined) return []
  const answers = await log.retention(questions, options).catch(refusal)
  return answers instanceof TidemarkError ? questions.map(() => answers) : answers
}
