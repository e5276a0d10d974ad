import type { ResetTarget } from '../core/reset.ts'
import { TidemarkError } from '../errors.ts'
import { reset } from '../verbs/reset.ts'
import type { MovingOptions } from './options.ts'
import { reportPlan } from './plan-report.ts'
import type { Report } from './report.ts'
import { groupOf, askLogAndStore } from './session.ts'

export interface ResetOptions extends MovingOptions {
  readonly toEarliest?: boolean | undefined
  readonly toLatest?: boolean | undefined
  readonly toOffset?: number | undefined
  readonly toDatetime?: number | undefined
  readonly byDuration?: number | undefined
  readonly shiftBy?: number | undefined
}

/** `tidemark reset` */
export async function resetAction(options: ResetOptions): Promise<Report> {
  const group = groupOf(options)
  const target = targetOf(options)
  const { topic: topics, maxSkip, maxReread } = options
  return askLogAndStore(options, options.execute === true ? 'write' : 'read', async (log, store) => {
    const { plan } = await reset(log, store, { group, topics, target, maxSkip, maxReread })
    return reportPlan(plan, store, options)
  })
}

function targetOf({ toEarliest, toLatest, toOffset, toDatetime, byDuration, shiftBy }: ResetOptions): ResetTarget {
  const targets: ResetTarget[] = []
  if (toEarliest === true) targets.push({ kind: 'to-earliest' })
  if (toLatest === true) targets.push({ kind: 'to-latest' })
  if (toOffset !== undefined) targets.push({ kind: 'to-offset', offset: toOffset })
  if (toDatetime !== undefined) targets.push({ kind: 'to-datetime', timestamp: toDatetime })
  if (byDuration !== undefined) targets.push({ kind: 'by-duration', timestamp: Date.now() - byDuration })
  if (shiftBy !== undefined) targets.push({ kind: 'shift-by', records: shiftBy })
  const [target] = targets
  if (target !== undefined && targets.length === 1) return target
  const what =
    targets.length === 0
      ? 'no target is named'
      : `${targets.length} targets are named: ${targets.map(({ kind }) => `--${kind}`).join(', ')}`
  throw new TidemarkError('USAGE', what, {
    hint: 'Name one of --to-earliest, --to-latest, --to-offset, --to-datetime, --by-duration, --shift-by',
  })
}
