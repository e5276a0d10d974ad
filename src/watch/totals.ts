import type { LedgerRow } from '../core/ledger.ts'
import type { Store } from '../store/store.ts'
import type { Loss, Source } from './round.ts'

/** Rows are asked for once more for so long: the clocks of those who write them may be apart. ms */
const OVERLAP_MS = 600_000

type Sums = { -readonly [Key in keyof Loss]: Loss[Key] }

/** What the moves in a store's ledger have cost, kept up to date by asking for what is new. */
export class Totals {
  readonly #source: Source
  readonly #sums = new Map<string, Sums>()
  /** The rows of the last {@link OVERLAP_MS}, which are counted. */
  #recent = new Set<string>()
  #latest: number | undefined

  constructor(source: Source) {
    this.#source = source
  }

  /** Counts what is new. @throws TidemarkError as Store.ledger does; what was counted stays */
  async update(store: Pick<Store, 'ledger'>): Promise<void> {
    const since = this.#latest === undefined ? undefined : this.#latest - OVERLAP_MS
    const rows = await store.ledger({ since })
    this.#latest = rows.reduce((latest, { at }) => Math.max(latest, at), this.#latest ?? 0)
    const recent = new Set<string>()
    for (const row of rows) {
      const key = JSON.stringify(row)
      if (row.at >= this.#latest - OVERLAP_MS) recent.add(key)
      if (!this.#recent.has(key)) this.#add(row)
    }
    this.#recent = recent
  }

  /** By group, topic and verdict. */
  get losses(): readonly Loss[] {
    return [...this.#sums.values()].map((sums) => ({ ...sums }))
  }

  #add({ group, topic, verdict, skipped, reread }: LedgerRow): void {
    const key = JSON.stringify([group, topic, verdict])
    const sums = this.#sums.get(key) ?? { ...this.#source, group, topic, verdict, moves: 0, lost: 0, unknown: 0, reread: 0 }
    this.#sums.set(key, sums)
    sums.moves += 1
    sums.lost += skipped ?? 0
    sums.unknown += skipped === null ? 1 : 0
    sums.reread += reread
  }
}
