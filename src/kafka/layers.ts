import { keyOf } from '../core/position.ts'
import type { Stop } from './locate.ts'

/** Splits what is to be asked so that no request names a partition twice, which brokers refuse: one layer unless several groups ask about one partition. */
export function layers<Item extends { readonly stop: Stop }>(items: readonly Item[]): Item[][] {
  const seen = new Map<string, number>()
  const byDepth = Map.groupBy(items, ({ stop }) => {
    const depth = seen.get(keyOf(stop)) ?? 0
    seen.set(keyOf(stop), depth + 1)
    return depth
  })
  return [...byDepth.values()]
}
