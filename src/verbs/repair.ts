import type { Plan } from '../core/plan.ts'
import type { Log } from '../kafka/log.ts'
import type { Store } from '../store/store.ts'
import { apply, reconcile } from './reconcile.ts'
import type { Applied, ReconcileOptions } from './reconcile.ts'

/** What a repair planned, and what became of it. */
export interface Repaired {
  readonly plan: Plan
  /** Absent in a preview. */
  readonly applied?: readonly Applied[] | undefined
}

/**
 * Plans the repair of a group's offsets, and with `execute` applies it.
 * @throws TidemarkError LIMIT_EXCEEDED, GROUP_ACTIVE: nothing was written then.
 */
export async function repair(
  log: Log,
  store: Store,
  options: ReconcileOptions & { readonly execute?: boolean | undefined },
): Promise<Repaired> {
  const plan = await reconcile(log, store, options)
  return options.execute === true ? { plan, applied: await apply(plan, store) } : { plan }
}
