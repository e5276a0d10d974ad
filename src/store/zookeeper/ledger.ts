import * as v from 'valibot'
import type { LedgerRow } from '../../core/ledger.ts'
import { TidemarkError } from '../../errors.ts'
import type { LedgerQuery } from '../driver.ts'
import type { Op } from './protocol.ts'
import { parentOf, type Paths } from './paths.ts'
import { mapInFlight } from './pool.ts'
import type { Session } from './session.ts'

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const rowSchema = v.object({
  at: v.pipe(v.number(), v.safeInteger()),
  group: v.string(),
  topic: v.string(),
  partition: count,
  verdict: v.string(),
  action: v.string(),
  from: v.nullable(count),
  to: count,
  skipped: v.nullable(count),
  reread: count,
  actor: v.string(),
  evidence: v.array(v.string()),
})
const schema = v.object({ v: v.literal(1), rows: v.array(rowSchema) })

/**
 * The operations that put ledger rows, one znode for all rows of a day. They go into the multi of the move that they
 * account for. ZooKeeper numbers the znodes itself, so names never clash.
 */
export function ledgerOps(paths: Paths, group: string, rows: readonly LedgerRow[]): Op[] {
  const days = Map.groupBy(rows, ({ at }) => dayOf(at))
  return [...days].map(([day, some]) => ({
    kind: 'create',
    mode: 'sequential',
    path: `${paths.ledger(group)}/${day}/r-`,
    data: Buffer.from(JSON.stringify({ v: 1, rows: some })),
  }))
}

/** The rows that a query asks for, oldest first. @throws TidemarkError STORE_CORRUPT for rows that can't be read: an account with a hole in it is none. */
export async function readLedger(session: Session, paths: Paths, query: LedgerQuery): Promise<LedgerRow[]> {
  const groups = query.group === undefined ? ((await session.children(paths.tidemark)) ?? []) : [query.group]
  const entries = (await mapInFlight(groups, (group) => entriesOf(session, paths.ledger(group), query.since))).flat()
  const znodes = await session.getAll(entries)
  return entries
    .flatMap((path, index) => rowsOf(path, znodes[index]?.data))
    .filter((row) => matches(row, query))
    .toSorted((a, b) => a.at - b.at)
}

/** The paths of a group's ledger znodes, in the order in which they were written. */
async function entriesOf(session: Session, folder: string, since = -Infinity): Promise<string[]> {
  const days = ((await session.children(folder)) ?? []).filter((day) => since === -Infinity || day >= dayOf(since)).toSorted()
  const perDay = await mapInFlight(days, async (day) => {
    const names = (await session.children(`${folder}/${day}`)) ?? []
    return names.toSorted().map((name) => `${folder}/${day}/${name}`)
  })
  return perDay.flat()
}

function rowsOf(path: string, data: Buffer | undefined): LedgerRow[] {
  if (data === undefined) return []
  try {
    return v.parse(schema, JSON.parse(data.toString('utf8'))).rows
  } catch (error) {
    throw new TidemarkError('STORE_CORRUPT', `the ledger rows in ${path} can't be read`, {
      hint: `See what is there: zkCli.sh get ${parentOf(path)}`,
      cause: error,
    })
  }
}

function matches(row: LedgerRow, { topic, partition, since }: LedgerQuery): boolean {
  return (
    (topic === undefined || row.topic === topic) &&
    (partition === undefined || row.partition === partition) &&
    (since === undefined || row.at >= since)
  )
}

/** The UTC day, as `2026-11-22`. */
function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10)
}
