import { planReset } from '../core/reset.ts'
import type { ResetTarget } from '../core/reset.ts'
import type { Log } from '../kafka/log.ts'
import type { Store } from '../store/store.ts'
import { examine } from './examine.ts'
import type { ExamineOptions } from './examine.ts'
import { apply, atTimes, contextOf } from './reconcile.ts'
import type { Repaired } from './repair.ts'

export interface ResetOptions extends ExamineOptions {
  readonly target: ResetTarget
  readonly maxSkip?: number | undefined
  readonly maxReread?: number | undefined
  readonly actor?: string | undefined
  /** Makes the IDs of saves. Default: random UUIDs. */
  readonly newId?: (() => string) | undefined
  readonly execute?: boolean | undefined
}

/**
 * Moves a group's offsets to a chosen place, with Kafka's own choices, on any store: the same preview, ledger and compare-and-set as a repair.
 * @throws TidemarkError LIMIT_EXCEEDED, GROUP_ACTIVE: nothing was written then.
 */
export async function reset(log: Log, store: Store, options: ResetOptions): Promise<Repaired> {
  const { target, maxSkip = Number.POSITIVE_INFINITY, maxReread = Number.POSITIVE_INFINITY } = options
  const findings = await examine(log, store, options)
  const timestamp = 'timestamp' in target ? target.timestamp : undefined
  const plan = planReset(
    await atTimes(
      log,
      options.group,
      findings,
      findings.map(() => timestamp),
    ),
    target,
    { maxSkip, maxReread },
    contextOf(options),
  )
  return options.execute === true ? { plan, applied: await apply(plan, store) } : { plan }
}
