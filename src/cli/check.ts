import { check } from '../verbs/check.ts'
import type { CheckRow } from '../verbs/check.ts'
import { worst } from './failure.ts'
import type { CommonOptions } from './options.ts'
import type { Report } from './report.ts'
import { groupOf, askLogAndStore } from './session.ts'
import type { Row, Table } from './table.ts'
import { colourOf, evidenceCell, exitCodeFor } from './verdicts.ts'

export interface CheckOptions extends CommonOptions {
  readonly topic?: readonly string[] | undefined
  readonly allGroups?: boolean | undefined
}

/** `tidemark check` */
export async function checkAction(options: CheckOptions): Promise<Report> {
  const named = options.allGroups === true ? undefined : groupOf(options)
  const rows = await askLogAndStore(options, 'read', async (log, store) => {
    const groups = named === undefined ? await store.groups() : [named]
    const checked: CheckRow[] = []
    for (const group of groups) checked.push(...(await check(log, store, { group, topics: options.topic })))
    return checked
  })
  return {
    document: { partitions: rows },
    table: tableOf(rows),
    remarks: rows.length === 0 ? [nothingStored(named)] : [],
    exitCode: worst(rows.map(({ verdict }) => exitCodeFor(verdict))),
  }
}

function tableOf(rows: readonly CheckRow[]): Table {
  const columns = ['GROUP', 'TOPIC', 'PARTITION', 'CURRENT-OFFSET', 'LOG-START-OFFSET', 'LOG-END-OFFSET', 'LAG', 'VERDICT'].map((name) => ({
    name,
  }))
  return { columns: [...columns, { name: 'EVIDENCE', long: true }], rows: rows.map(rowOf) }
}

function rowOf({ group, topic, partition, committedOffset, logStartOffset, logEndOffset, lag, verdict, evidence }: CheckRow): Row {
  return {
    cells: [group, topic, partition, committedOffset, logStartOffset, logEndOffset, lag, verdict, evidenceCell(verdict, evidence)],
    colour: colourOf(verdict),
    quiet: verdict === 'valid',
  }
}

function nothingStored(group: string | undefined): string {
  if (group === undefined) return 'the store holds no group'
  return `nothing is stored for group ${group}; with --topic a new group's topics are shown`
}
