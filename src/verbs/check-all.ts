import { asTidemarkError, type TidemarkError } from '../errors.ts'
import type { Log } from '../kafka/log.ts'
import type { Store } from '../store/store.ts'
import { check } from './check.ts'
import type { CheckRow } from './check.ts'
import type { ExamineOptions } from './examine.ts'
import { FactsTogether } from './facts-together.ts'

/** Every group of a store, compared with the log. */
export interface CheckedAll {
  readonly rows: readonly CheckRow[]
  /** Groups that could not be checked, each with its name in the error; they say nothing of the others. */
  readonly failures: readonly TidemarkError[]
}

/** How many groups are loaded at the same time. */
const LOADS_AT_ONCE = 32

/**
 * Checks every group that the store knows: one load per group, and the cluster is asked about all of them at once, in O(brokers) requests.
 * @throws TidemarkError where the store can't list its groups, or the cluster refuses every question
 */
export async function checkAll(log: Log, store: Store, options: Omit<ExamineOptions, 'group'> = {}): Promise<CheckedAll> {
  const groups = await store.groups()
  const together = new FactsTogether(log, groups.length)
  const loading = limited(LOADS_AT_ONCE)
  const loads: Pick<Store, 'load'> = { load: (group, partitions) => loading(() => store.load(group, partitions)) }
  const checkOne = async (group: string): Promise<readonly CheckRow[] | TidemarkError> => {
    try {
      return await check(together.log, loads, { ...options, group })
    } catch (error) {
      return asTidemarkError(error, 'INTERNAL', { group })
    } finally {
      together.leave()
    }
  }
  const checked = await Promise.all(groups.map(checkOne))
  return {
    rows: checked.flatMap((one) => (one instanceof Error ? [] : one)),
    failures: checked.filter((one) => one instanceof Error),
  }
}

/** Lets so many be under way at once; the others wait for their turn, in order. */
function limited(atOnce: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let running = 0
  return async (work) => {
    if (running >= atOnce) await new Promise<void>((resolve) => waiting.push(resolve))
    else running++
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) running--
      else next()
    }
  }
}
