import { existsSync, readFileSync } from 'node:fs'
import { wrap } from '../src/cli/table.ts'
import { balances, close, type Account, type Handled } from '../lab/account.ts'
import { group, type Stage } from './stage.ts'
import type { Story } from './story.ts'
import { heading, output, say, textWidth, verdict } from './tell.ts'
import { tidemark } from './tidemark.ts'

/** Of a longer list of ids only so many are printed. */
const MOST_LISTED = 40

/** What the job has written down so far, in its order. */
export function handledSoFar({ sink }: Stage): Handled[] {
  if (!existsSync(sink)) return []
  const lines = readFileSync(sink, 'utf8')
    .split('\n')
    .filter((text) => text !== '')
  return lines.map((text) => JSON.parse(text) as Handled)
}

/** Compares the ids that were produced with those that were handled, says what became of each, and whether nothing is left unexplained. */
export async function closeTheBooks({ stage, orders, replanned }: Story): Promise<boolean> {
  const { produced, topics } = orders
  const handled = handledSoFar(stage)
  const account = close({ produced, handled, ledger: await stage.store.ledger({ group }), replanned, topics })
  heading('The account')
  say(
    "Was anything lost, or done twice? Every order's id, as it was produced, is compared with those that the job wrote down as handled. For the rest there is the ledger:",
  )
  await tidemark(`ledger --group ${group}`)
  output(['', ...linesOf(account, produced.length)].join('\n'))
  const removed = new Set([...account.removed.values()].flat())
  const sum = `${produced.length} produced = ${account.handled.size} handled + ${removed.size} removed before they could be read`
  const rest = `${account.missing.length} missing, ${account.extra.length} extra, ${account.unexplained.length} handled twice without a reason`
  const good = balances(account)
  verdict(
    good,
    `${good ? 'The account balances' : 'THE ACCOUNT DOES NOT BALANCE'}: ${good ? sum : `${produced.length} produced, ${account.handled.size} handled`}; ${rest}.`,
  )
  return good
}

function linesOf(account: Account, produced: number): string[] {
  return [
    counted('produced', produced),
    counted('handled', account.handled.size),
    ...byReason('removed, never read', account.removed),
    ...byReason('handled twice', account.again),
    ...ifAny('MISSING', account.missing),
    ...ifAny('EXTRA', account.extra),
    ...ifAny('TWICE, NO REASON', account.unexplained),
  ]
}

function byReason(what: string, reasons: ReadonlyMap<string, readonly string[]>): string[] {
  return [...reasons].flatMap(([why, ids]) => [counted(what, ids.length, why), ...listed(ids)])
}

function ifAny(what: string, ids: readonly string[]): string[] {
  return ids.length === 0 ? [] : [counted(what, ids.length), ...listed(ids)]
}

function counted(what: string, count: number, why = ''): string {
  return `${what.padEnd(20)} ${String(count).padStart(4)}  ${why}`
}

/** The ids themselves, on lines of their own; of very many the first ones. */
function listed(ids: readonly string[]): string[] {
  const more = ids.length > MOST_LISTED ? ` and ${ids.length - MOST_LISTED} more` : ''
  return wrap(`${ids.slice(0, MOST_LISTED).join(' ')}${more}`, textWidth, '    ')
}
