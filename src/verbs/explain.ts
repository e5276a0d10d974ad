import { systemClock } from '../clock.ts'
import type { Custody } from '../core/custody.ts'
import type { Facts } from '../core/facts.ts'
import type { Margin } from '../core/margin.ts'
import { planRepair } from '../core/plan.ts'
import type { Finding, PlanContext, PlanEntry } from '../core/plan.ts'
import { choicesFor, toPolicy } from '../core/policy.ts'
import type { Action } from '../core/policy.ts'
import type { TopicPartition } from '../core/position.ts'
import { VERDICTS } from '../core/verdict.ts'
import type { Verdict, VerdictName } from '../core/verdict.ts'
import { testsOf } from '../core/why-not.ts'
import type { Test } from '../core/why-not.ts'
import { TidemarkError } from '../errors.ts'
import type { Log } from '../kafka/log.ts'
import type { Store } from '../store/store.ts'
import { rowOf } from './check.ts'
import { examine } from './examine.ts'
import type { ExamineOptions } from './examine.ts'
import { questionOf, readMargin } from './margin.ts'
import { contextOf, withTimes } from './reconcile.ts'
import { stakesOf } from './stakes.ts'
import type { Stake } from './stakes.ts'

/** Which partition to explain. */
export interface ExplainOptions extends Omit<ExamineOptions, 'topics'>, TopicPartition {}

/** A test that was made, or one that an earlier test made needless. */
export type ExplainedTest = (Test & { readonly evaluated: true }) | { readonly verdict: VerdictName; readonly evaluated: false }

/** What one action would do now. Counts are in records, at most. */
export interface ExplainedAction {
  readonly action: Action
  /** Whether a policy that says nothing of this verdict comes to this. */
  readonly byDefault: boolean
  readonly outcome: PlanEntry['outcome']
  readonly to: number | null
  readonly skipped: number | null
  readonly reread: number | null
  /** Why it does not simply do what it says, or does nothing. */
  readonly note: string | null
  /** The records that it would skip or read again, as far as the log still has them. */
  readonly stakes: readonly Stake[]
}

/** Everything there is to know about one partition's offset. Plain data. */
export interface Explanation extends TopicPartition {
  readonly group: string
  readonly custody: Custody
  readonly facts: Facts
  /** Every test, in the order in which they are made. */
  readonly tests: readonly ExplainedTest[]
  readonly verdict: VerdictName
  readonly evidence: readonly string[]
  readonly lag: number | null
  readonly truncation: Verdict['truncation'] | null
  /** How far retention is from the offset; null where it does not lie within the log. */
  readonly margin: Margin | null
  readonly actions: readonly ExplainedAction[]
}

/**
 * Shows how the verdict on one partition comes about, and what each action of a policy would do about it. Nothing is written.
 * @throws TidemarkError TOPIC_NOT_FOUND where the partition does not exist and nothing is stored of it.
 */
export async function explain(log: Log, store: Store, options: ExplainOptions): Promise<Explanation> {
  const { group, topic, partition } = options
  const [finding] = await examine(log, store, { lastStableOffset: true, ...options, topics: [`${topic}:${partition}`] })
  if (finding === undefined) throw new TidemarkError('INTERNAL', 'there is no finding', { group, topic, partition })
  const { custody, facts, verdict } = finding
  return {
    group,
    topic,
    partition,
    custody,
    facts,
    tests: explainedTests(custody, facts),
    verdict: verdict.verdict,
    evidence: verdict.evidence,
    lag: verdict.lag ?? null,
    truncation: verdict.truncation ?? null,
    margin: await marginOfFinding(log, group, finding, options),
    actions: await actionsOf(log, finding, contextOf(options)),
  }
}

async function marginOfFinding(log: Log, group: string, finding: Finding, options: ExplainOptions): Promise<Margin | null> {
  const { clock = systemClock, signal } = options
  const question = questionOf(rowOf(group, finding))
  return question === null ? null : readMargin(log, question, { now: clock.now(), signal })
}

function explainedTests(custody: Custody, facts: Facts): ExplainedTest[] {
  const tests = testsOf(custody, facts)
  return VERDICTS.map((verdict) => {
    const made = tests.find((test) => test.verdict === verdict)
    return made === undefined ? { verdict, evaluated: false } : { ...made, evaluated: true }
  })
}

async function actionsOf(log: Log, finding: Finding, context: PlanContext): Promise<ExplainedAction[]> {
  const { verdict } = finding.verdict
  const byDefault = toPolicy().actions[verdict]
  const choices = choicesFor(verdict)
  const timed = choices.includes('time') ? await withTimes(log, context.group, [finding], toPolicy({ [verdict]: 'time' })) : [finding]
  const actions = choices.length === 0 ? [byDefault] : choices
  const entries = actions.map((action) => {
    const policy = toPolicy(choices.length === 0 ? {} : { [verdict]: action })
    return planRepair(timed, policy, context).entries[0] as PlanEntry
  })
  const stakes = finding.facts.state === 'known' ? await stakesOf(log, finding.facts, entries) : []
  return actions.map((action, index) => explainedAction(action, action === byDefault, entries[index] as PlanEntry, stakes[index] ?? []))
}

function explainedAction(
  action: Action,
  byDefault: boolean,
  { outcome, move, note }: PlanEntry,
  stakes: readonly Stake[],
): ExplainedAction {
  return {
    action,
    byDefault,
    outcome,
    to: move?.to ?? null,
    skipped: move?.skipped ?? null,
    reread: move?.reread ?? null,
    note: note ?? null,
    stakes,
  }
}
