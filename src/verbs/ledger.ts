import type { LedgerRow } from '../core/ledger.ts'
import type { Store } from '../store/store.ts'
import { parseSelection, selects } from './selection.ts'
import type { TopicSelection } from './selection.ts'

/** Which rows of the ledger to read. */
export interface LedgerOptions {
  /** Without a group: all groups. */
  readonly group?: string | undefined
  readonly topics?: readonly TopicSelection[] | undefined
  /** Rows at or after this time, ms since 1970. */
  readonly since?: number | undefined
}

/** Every move that was not ordinary progress, oldest first: who, when, why, from where to where, and what it cost. Kafka is not asked. */
export async function ledger(store: Store, { group, topics, since }: LedgerOptions = {}): Promise<LedgerRow[]> {
  const selected = topics === undefined ? undefined : parseSelection(topics)
  const rows = await store.ledger({ group, since })
  return selected === undefined ? rows : rows.filter((row) => selects(selected, row))
}
