import { systemClock } from '../clock.ts'
import type { Clock } from '../clock.ts'
import { positionOf } from '../core/custody.ts'
import type { Custody } from '../core/custody.ts'
import type { Facts } from '../core/facts.ts'
import type { Finding } from '../core/plan.ts'
import { byPartition, keyOf } from '../core/position.ts'
import type { TopicPartition } from '../core/position.ts'
import { epochsOf, judge, maySettle } from '../core/verdict.ts'
import type { VerdictName } from '../core/verdict.ts'
import { TidemarkError } from '../errors.ts'
import type { FactsOptions, FactsQuestion, Log } from '../kafka/log.ts'
import type { Store } from '../store/store.ts'
import { withBelow } from './below.ts'
import { listUnstored } from './listing.ts'
import { parseSelection, selects } from './selection.ts'
import type { TopicSelection } from './selection.ts'

/** What to examine. */
export interface ExamineOptions {
  readonly group: string
  /** Without topics: all that the group has stored. */
  readonly topics?: readonly TopicSelection[] | undefined
  /** How long to wait before a second look at what may be passing, ms. Default 2,000. */
  readonly secondLookMs?: number | undefined
  /** How much later than its commit what lies below an offset may seem to be written before it is suspect, ms. Default 300,000. */
  readonly clockSkewMs?: number | undefined
  /** Ask for last stable offsets too. */
  readonly lastStableOffset?: boolean | undefined
  /** Verdicts of an earlier examination, some seconds ago or more, by `topic-partition`: where the first look gives the same, it is the second one. */
  readonly before?: ReadonlyMap<string, VerdictName> | undefined
  readonly clock?: Clock | undefined
  readonly signal?: AbortSignal | undefined
}

/** More looks than this and a partition that never says the same twice is `unknown`. */
const MAX_LOOKS = 4

/**
 * Loads what is stored, asks the cluster, and compares: one finding per partition, sorted. Nothing is written.
 * Committed offsets are read before log ends, and every verdict but `valid` is decided again on a re-read offset and
 * fresh facts (some seconds later and through another broker where it may be passing), so that a moving consumer is
 * never called ahead or expired.
 * @throws TidemarkError TOPIC_NOT_FOUND where a named topic or partition does not exist and nothing is stored of it.
 */
export async function examine(log: Log, store: Pick<Store, 'load'>, options: ExamineOptions): Promise<Finding[]> {
  const selected = options.topics === undefined ? undefined : parseSelection(options.topics)
  const stored = await store.load(options.group)
  const chosen = selected === undefined ? stored : stored.filter((custody) => selects(selected, custody))
  const more = selected === undefined ? [] : await listUnstored(log, chosen, selected, options)
  const loaded = more.length === 0 ? chosen : [...chosen, ...(await store.load(options.group, more))]
  return examinePartitions(log, store, loaded, options)
}

/** The same for custody that is loaded already. */
export async function examinePartitions(
  log: Log,
  store: Pick<Store, 'load'>,
  loaded: readonly Custody[],
  options: ExamineOptions,
): Promise<Finding[]> {
  const clock = options.clock ?? systemClock
  const settled: Finding[] = []
  let open = await look(log, loaded, options)
  let before = options.before ?? new Map<string, VerdictName>()
  for (let looks = 1; open.length > 0; looks++) {
    const [done, unsettled] = divide(
      open,
      ({ custody, facts, verdict }) => verdict.verdict === 'valid' || verdict.verdict === before.get(keyOf(custody)) || timedOut(facts),
    )
    for (const finding of done) settled.push(finding)
    if (looks === MAX_LOOKS) {
      for (const finding of unsettled) settled.push(neverTheSame(finding))
      break
    }
    if (unsettled.length === 0) break
    if (unsettled.some(({ verdict }) => maySettle(verdict.verdict))) await clock.sleep(options.secondLookMs ?? 2_000, options.signal)
    before = new Map(unsettled.map(({ custody, verdict }) => [keyOf(custody), verdict.verdict]))
    const again = await store.load(
      options.group,
      unsettled.map(({ custody }) => placeOf(custody)),
    )
    open = await look(log, again, { ...options, elsewhere: true })
  }
  return settled.toSorted((a, b) => byPartition(a.custody, b.custody))
}

async function look(log: Log, loaded: readonly Custody[], options: ExamineOptions & FactsOptions): Promise<Finding[]> {
  const questions = loaded.map(questionOf)
  const facts = await factsOrUnreachable(log, questions, options)
  const findings = loaded.map((custody, index): Finding => {
    const found = facts[index] ?? unknownFacts(custody, 'INTERNAL', 'no answer')
    return { custody, facts: found, verdict: judge(custody, found) }
  })
  return withBelow(log, findings, options)
}

function questionOf(custody: Custody): FactsQuestion {
  const { topic, partition } = custody
  const position = positionOf(custody)
  return position === undefined ? { topic, partition } : { topic, partition, epochs: epochsOf(position), offset: position.offset }
}

/** A cluster that can't be reached is an answer about every partition: unknown. */
async function factsOrUnreachable(log: Log, questions: readonly TopicPartition[], options: FactsOptions): Promise<Facts[]> {
  try {
    return await log.facts(questions, options)
  } catch (error) {
    if (!(error instanceof TidemarkError && error.code === 'KAFKA_UNREACHABLE')) throw error
    return questions.map((question) => unknownFacts(question, 'UNREACHABLE', error.what))
  }
}

/** Whoever did not answer in all the time there was has been waited for; a second look would take as long again. */
function timedOut(facts: Facts): boolean {
  return facts.state === 'unknown' && facts.reason === 'TIMED_OUT'
}

function neverTheSame({ custody, verdict }: Finding): Finding {
  const facts = unknownFacts(custody, 'UNSETTLED', `${MAX_LOOKS} looks gave no verdict twice, the last one ${verdict.verdict}`)
  return { custody, facts, verdict: judge(custody, facts) }
}

function unknownFacts({ topic, partition }: TopicPartition, reason: string, detail: string): Facts {
  return { state: 'unknown', topic, partition, reason, detail }
}

function placeOf({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition }
}

function divide<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  const yes: T[] = []
  const no: T[] = []
  for (const item of items) (test(item) ? yes : no).push(item)
  return [yes, no]
}
