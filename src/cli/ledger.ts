import type { LedgerRow } from '../core/ledger.ts'
import { ledger } from '../verbs/ledger.ts'
import { printDateTime } from './datetimes.ts'
import { EXIT } from './failure.ts'
import type { CommonOptions } from './options.ts'
import type { Report } from './report.ts'
import { withStore } from './session.ts'
import type { Row, Table } from './table.ts'

export interface LedgerOptions extends CommonOptions {
  readonly topic?: readonly string[] | undefined
  readonly since?: number | undefined
}

/** `tidemark ledger`. The cluster is not asked. */
export async function ledgerAction(options: LedgerOptions): Promise<Report> {
  const { group, topic: topics, since } = options
  const rows = await withStore(options, 'read', (store) => ledger(store, { group, topics, since }))
  return {
    document: { rows: rows.map(jsonOf) },
    table: tableOf(rows),
    remarks: rows.length === 0 ? ['the ledger has no such row'] : [],
    exitCode: EXIT.ok,
  }
}

function jsonOf({
  at,
  group,
  topic,
  partition,
  verdict,
  action,
  from,
  to,
  skipped,
  reread,
  actor,
  evidence,
}: LedgerRow): Record<string, unknown> {
  return { at: printDateTime(at), group, topic, partition, verdict, action, from, to, skipped, reread, actor, evidence }
}

function tableOf(rows: readonly LedgerRow[]): Table {
  const columns = ['AT', 'GROUP', 'TOPIC', 'PARTITION', 'VERDICT', 'ACTION', 'FROM', 'TO', 'SKIPPED', 'REREAD', 'ACTOR'].map((name) => ({
    name,
  }))
  return { columns: [...columns, { name: 'EVIDENCE', long: true }], rows: rows.map(rowOf) }
}

function rowOf({ at, group, topic, partition, verdict, action, from, to, skipped, reread, actor, evidence }: LedgerRow): Row {
  return {
    cells: [
      printDateTime(at),
      group,
      topic,
      partition,
      verdict,
      action,
      from,
      to,
      skipped ?? 'unknown',
      reread,
      actor,
      evidence.join('; '),
    ],
  }
}
