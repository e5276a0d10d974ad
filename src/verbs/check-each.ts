import type { TopicPartition } from '../core/position.ts'
import { asTidemarkError, isUnreachable, TidemarkError } from '../errors.ts'
import type { Log } from '../kafka/log.ts'
import type { Store } from '../store/store.ts'
import { check } from './check.ts'
import type { CheckRow } from './check.ts'
import type { ExamineOptions } from './examine.ts'
import { FactsTogether } from './facts-together.ts'

/** A group in a store. */
export interface Checkable extends ExamineOptions {
  readonly store: Pick<Store, 'load'>
}

/** How many groups of one store are loaded at the same time. */
const LOADS_AT_ONCE = 32

/**
 * Checks groups of any number of stores: one load per group, and the cluster is asked about all of them at once, in O(brokers) requests. One
 * answer per group, in order: its rows, or why it could not be checked, which says nothing of the others.
 * @param patienceMs how long those whose store has answered wait for the others before the cluster is asked. Default: as long as it takes
 */
export async function checkEach(
  log: Log,
  groups: readonly Checkable[],
  { patienceMs }: { readonly patienceMs?: number | undefined } = {},
): Promise<(readonly CheckRow[] | TidemarkError)[]> {
  const together = new FactsTogether(log, groups.length, patienceMs)
  const stores = new Map<Checkable['store'], Pick<Store, 'load'>>()
  for (const { store } of groups) if (!stores.has(store)) stores.set(store, inTurn(store))
  return Promise.all(
    groups.map(async ({ store, ...options }) => {
      try {
        return await check(together.log, stores.get(store) ?? store, options)
      } catch (error) {
        return asTidemarkError(error, 'INTERNAL', { group: options.group })
      } finally {
        together.leave()
      }
    }),
  )
}

/** A store of which so many loads are under way at once. Once it was out of reach, those that wait for their turn are not tried: each would wait as long again. */
function inTurn(store: Pick<Store, 'load'>): Pick<Store, 'load'> {
  const loading = limited(LOADS_AT_ONCE)
  let away: TidemarkError | undefined
  const load = (group: string, partitions?: readonly TopicPartition[]) =>
    loading(async () => {
      if (away !== undefined) throw new TidemarkError(away.code, away.what, { group, hint: away.hint, cause: away })
      try {
        return await store.load(group, partitions)
      } catch (error) {
        if (isUnreachable(error)) away = asTidemarkError(error)
        throw error
      }
    })
  return { load }
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
