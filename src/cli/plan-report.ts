import type { Plan, PlanEntry } from '../core/plan.ts'
import { asTidemarkError, TidemarkError } from '../errors.ts'
import { apply } from '../verbs/reconcile.ts'
import type { Applied } from '../verbs/reconcile.ts'
import { printMember } from '../store/membership.ts'
import type { Store } from '../store/store.ts'
import { EXIT, exitCodeOf, worst } from './failure.ts'
import type { ExitCode } from './failure.ts'
import type { MovingOptions } from './options.ts'
import type { Report } from './report.ts'
import type { Row, Table } from './table.ts'
import { colourOf, evidenceCell, exitCodeFor } from './verdicts.ts'

/** A plan that was previewed, applied, or refused before anything was written. */
type Outcome =
  | { readonly kind: 'preview' }
  | { readonly kind: 'applied'; readonly statuses: ReadonlyMap<PlanEntry, Applied['status']> }
  | { readonly kind: 'refused'; readonly refusal: TidemarkError }

/** Applies a plan if `--execute` says so, and reports it: a plan that is refused is printed all the same. */
export async function reportPlan(plan: Plan, store: Store, { execute }: MovingOptions): Promise<Report> {
  const outcome = execute === true ? await applied(plan, store) : ({ kind: 'preview' } as const)
  const failures = failuresOf(plan, outcome)
  return {
    document: documentOf(plan, outcome),
    table: tableOf(plan, outcome),
    remarks: [remark(plan, outcome), ...(await whoIsInTheWay(plan, store, outcome))],
    failures,
    exitCode: worst([...plan.entries.map((entry) => entryCode(entry, outcome)), ...failures.map(exitCodeOf)]),
  }
}

/** Whom a preview would not be applied for. */
async function whoIsInTheWay({ group, entries }: Plan, store: Store, { kind }: Outcome): Promise<string[]> {
  if (kind !== 'preview' || entries.every(({ move }) => move === undefined)) return []
  try {
    const members = await store.members(group)
    return members.length === 0 ? [] : [`it would be refused now: the group has live members: ${members.map(printMember).join(', ')}`]
  } catch (error) {
    return [`who is in the group is not known: ${asTidemarkError(error).what}`]
  }
}

async function applied(plan: Plan, store: Store): Promise<Outcome> {
  try {
    const done = await apply(plan, store)
    return { kind: 'applied', statuses: new Map(done.map(({ entry, status }) => [entry, status])) }
  } catch (error) {
    if (error instanceof TidemarkError && (error.code === 'LIMIT_EXCEEDED' || error.code === 'GROUP_ACTIVE'))
      return { kind: 'refused', refusal: error }
    throw error
  }
}

function statusOf(entry: PlanEntry, outcome: Outcome): Applied['status'] {
  return (outcome.kind === 'applied' ? outcome.statuses.get(entry) : undefined) ?? 'untouched'
}

/** What was found counts until it is moved; what the plan refuses counts whatever was found. */
function entryCode(entry: PlanEntry, outcome: Outcome): ExitCode {
  if (entry.outcome === 'fail') return EXIT.findings
  return statusOf(entry, outcome) === 'moved' ? EXIT.ok : exitCodeFor(entry.verdict)
}

function failuresOf(plan: Plan, outcome: Outcome): TidemarkError[] {
  if (outcome.kind === 'refused') return [outcome.refusal]
  return [...immovablesOf(plan), ...plan.entries.flatMap((entry) => failureOf(plan, entry, outcome))]
}

/** Why partitions can't be moved: what holds for several of them is said once. */
function immovablesOf({ group, entries }: Plan): TidemarkError[] {
  const byReason = new Map(entries.flatMap(({ immovable }) => (immovable === undefined ? [] : [[immovable.reason, immovable]])))
  return [...byReason.values()].map(({ code, reason, hint }) => new TidemarkError(code, reason, { group, hint }))
}

function failureOf(plan: Plan, entry: PlanEntry, outcome: Outcome): TidemarkError[] {
  const at = { group: plan.group, topic: entry.topic, partition: entry.partition }
  const status = statusOf(entry, outcome)
  if (status === 'changed')
    return [
      new TidemarkError('OFFSET_CHANGED', 'somebody moved the offset after it was read; nothing was written', {
        ...at,
        hint: 'Run it again',
      }),
    ]
  if (status === 'fenced')
    return [
      new TidemarkError('FENCED', 'a worker took the partition after it was read; nothing was written', { ...at, hint: 'Stop it first' }),
    ]
  return []
}

function remark({ group, entries, skipped, reread, exceeds }: Plan, outcome: Outcome): string {
  if (entries.length === 0) return `nothing is stored for group ${group}; name its topics with --topic`
  const moves = entries.filter((entry) => entry.outcome === 'move')
  const moved = moves.filter((entry) => statusOf(entry, outcome) === 'moved').length
  const unknown = moves.some(({ move }) => move?.skipped === null) ? ', of recreated topics those of the new one' : ''
  const cost = `at most ${skipped} records skipped${unknown} and ${reread} read again`
  const adoptions = adoptionsOf(entries, outcome)
  if (outcome.kind === 'applied') return `moved ${moved} of ${entries.length} partitions${adoptions}; ${cost}`
  if (outcome.kind === 'refused') return `the plan: ${moves.length} of ${entries.length} partitions to move${adoptions}; ${cost}`
  if (moves.length === 0 && adoptions === '') return `a preview: nothing to move in ${entries.length} partitions`
  const beyond =
    exceeds === undefined ? 'add --execute to apply it' : `it is beyond ${exceeds.limit} ${exceeds.allowed} and would not be applied`
  return `a preview: ${moves.length} of ${entries.length} partitions to move${adoptions}; ${cost}; nothing was written; ${beyond}`
}

function adoptionsOf(entries: readonly PlanEntry[], outcome: Outcome): string {
  const adoptions = entries.filter((entry) => entry.outcome === 'adopt')
  if (adoptions.length === 0) return ''
  if (outcome.kind !== 'applied') return `, ${adoptions.length} to adopt`
  return `, adopted ${adoptions.filter((entry) => statusOf(entry, outcome) === 'adopted').length}`
}

function documentOf(plan: Plan, outcome: Outcome): Record<string, unknown> {
  return {
    group: plan.group,
    executed: outcome.kind === 'applied',
    skipped: plan.skipped,
    reread: plan.reread,
    exceeds: plan.exceeds ?? null,
    partitions: plan.entries.map((entry) => partitionOf(plan, entry, outcome)),
  }
}

function partitionOf({ group }: Plan, entry: PlanEntry, outcome: Outcome): Record<string, unknown> {
  const { topic, partition, verdict, evidence, action, note, from, logStartOffset, logEndOffset, lag, move } = entry
  return {
    group,
    topic,
    partition,
    priorOffset: from,
    newOffset: entry.outcome === 'move' ? (move?.to ?? null) : null,
    logStartOffset: logStartOffset ?? null,
    logEndOffset: logEndOffset ?? null,
    lag: lag ?? null,
    verdict,
    evidence,
    action,
    outcome: outcomeOf(entry, outcome),
    note: note ?? null,
    skipped: move === undefined ? 0 : move.skipped,
    reread: move?.reread ?? 0,
  }
}

/** What the plan makes of it, and once it was applied what became of that. */
function outcomeOf(entry: PlanEntry, outcome: Outcome): string {
  const status = statusOf(entry, outcome)
  return status === 'untouched' ? entry.outcome : status
}

function tableOf(plan: Plan, outcome: Outcome): Table {
  const columns = [
    'GROUP',
    'TOPIC',
    'PARTITION',
    'PRIOR-OFFSET',
    'NEW-OFFSET',
    'LAG',
    'SKIPPED',
    'REREAD',
    'VERDICT',
    'ACTION',
    'OUTCOME',
  ].map((name) => ({ name }))
  return { columns: [...columns, { name: 'EVIDENCE', long: true }], rows: plan.entries.map((entry) => rowOf(plan.group, entry, outcome)) }
}

function rowOf(group: string, entry: PlanEntry, outcome: Outcome): Row {
  const { topic, partition, verdict, evidence, action, note, from, lag, move } = entry
  const skipped = move?.skipped === null ? 'unknown' : (move?.skipped ?? null)
  const why = [evidenceCell(verdict, evidence), note].filter((sentence) => sentence != null).join('; ')
  return {
    cells: [
      group,
      topic,
      partition,
      from,
      entry.outcome === 'move' ? (move?.to ?? null) : null,
      lag ?? null,
      skipped,
      move?.reread ?? null,
      verdict,
      action,
      outcomeOf(entry, outcome),
      why,
    ],
    colour: colourOf(verdict),
    quiet: verdict === 'valid' && note === undefined,
  }
}
