import type { TidemarkError } from '../errors.ts'
import type { Log } from '../kafka/log.ts'
import type { GroupListing } from '../store/driver.ts'
import type { Store } from '../store/store.ts'
import type { CheckRow } from './check.ts'
import { checkEach } from './check-each.ts'
import type { ExamineOptions } from './examine.ts'

/** Every group of a store, compared with the log. */
export interface CheckedAll {
  /** Every group of the store, those included that can't have committed offsets and so have no rows. */
  readonly groups: readonly GroupListing[]
  readonly rows: readonly CheckRow[]
  /** Groups that could not be checked, each with its name in the error; they say nothing of the others. */
  readonly failures: readonly TidemarkError[]
}

/**
 * Checks every group that the store knows: one load per group, and the cluster is asked about all of them at once, in O(brokers) requests.
 * @throws TidemarkError where the store can't list its groups, or the cluster refuses every question
 */
export async function checkAll(log: Log, store: Store, options: Omit<ExamineOptions, 'group'> = {}): Promise<CheckedAll> {
  const listed = await store.describeGroups()
  const groups = listed.filter(({ withoutOffsets }) => withoutOffsets === undefined).map(({ group }) => group)
  const checked = await checkEach(
    log,
    groups.map((group) => ({ ...options, group, store })),
  )
  return {
    groups: listed,
    rows: checked.flatMap((one) => (one instanceof Error ? [] : one)),
    failures: checked.filter((one) => one instanceof Error),
  }
}
