import type { VerdictName } from '../../src/core/verdict.ts'
import type { Failure, Round, WatchedRow } from '../../src/watch/round.ts'

/** A row as rounds have it, of the group `billing` in `keeper` of `main`, unless said otherwise. */
export function row(partition: number, verdict: VerdictName, more: Partial<WatchedRow> = {}): WatchedRow {
  const isKnown = verdict !== 'unknown'
  return {
    cluster: 'main',
    store: 'keeper',
    group: 'billing',
    topic: 'orders',
    partition,
    committedOffset: isKnown ? 50 : null,
    logStartOffset: isKnown ? 0 : null,
    logEndOffset: isKnown ? 100 : null,
    lag: isKnown ? 50 : null,
    verdict,
    evidence: [`it is ${verdict}`],
    margin: null,
    ...more,
  }
}

/** The store can't be asked; or one of its groups. */
export function failure(group: string | null = null, code: Failure['code'] = 'STORE_UNREACHABLE'): Failure {
  return { cluster: 'main', store: 'keeper', group, code, message: 'away' }
}

/** A round of the one store `keeper` that finds these rows. */
export function roundOf(at: number, rows: readonly WatchedRow[], failures: readonly Failure[] = []): Round {
  const groups = [...new Set(rows.map(({ group }) => group))].map((group) => ({ cluster: 'main', store: 'keeper', group }))
  return {
    at,
    durationMs: 10,
    sources: [{ cluster: 'main', store: 'keeper' }],
    clusters: [{ cluster: 'main', brokers: 3, topics: new Map([['orders', 4]]) }],
    groups,
    rows,
    failures,
    ledgerFailures: [],
    losses: [],
  }
}
