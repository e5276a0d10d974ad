import { balances, type Account } from '../lab/account.ts'
import type { Outcome } from './round.ts'

/** Of more ids only the first are printed. */
const MOST_LISTED = 60

/** Whether every id is accounted for and nothing else went wrong. */
export function isGood({ account, wrong }: Pick<Outcome, 'account' | 'wrong'>): boolean {
  return balances(account) && wrong.length === 0
}

/** What a round came to; of a bad one the ids, and the command that carries the same plan out again. */
export function reportOf(outcome: Outcome, replay: string): readonly string[] {
  const { store, account, produced, ledger, wrong } = outcome
  const removed = new Set([...account.removed.values()].flat())
  const again = new Set([...account.again.values()].flat())
  const sums = `${produced} produced = ${account.handled.size} handled + ${removed.size} removed before they could be read`
  const rest = `${again.size} handled again for a reason, ${ledger.length} ledger rows`
  if (isGood(outcome)) return [`${store}: every id is accounted for: ${sums}; ${rest}`]
  return [
    `${store}: THE ACCOUNT DOES NOT BALANCE: ${produced} produced, ${account.handled.size} handled, ${removed.size} removed; ${rest}`,
    ...listed('MISSING: neither handled nor in the ledger', account.missing),
    ...listed('EXTRA: handled, and never produced at that place', account.extra),
    ...listed('AGAIN: handled more often than faults and ledger explain', account.unexplained),
    ...wrong.map((text) => `  WRONG: ${text}`),
    ...ledger.map(
      (row) =>
        `  ledger: ${new Date(row.at).toISOString()} ${row.topic}-${row.partition} ${row.verdict} ${row.from} → ${row.to} by ${row.actor}`,
    ),
    `  carry the same plan out again: ${replay}`,
  ]
}

function listed(what: string, ids: Account['missing']): string[] {
  if (ids.length === 0) return []
  const more = ids.length > MOST_LISTED ? ` and ${ids.length - MOST_LISTED} more` : ''
  return [`  ${what}: ${ids.slice(0, MOST_LISTED).join(' ')}${more}`]
}
