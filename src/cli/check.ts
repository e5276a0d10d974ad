import { check } from '../verbs/check.ts'
import type { CheckRow } from '../verbs/check.ts'
import { checkAll } from '../verbs/check-all.ts'
import type { CheckedAll } from '../verbs/check-all.ts'
import { exitCodeOf, worst } from './failure.ts'
import type { CommonOptions } from './options.ts'
import type { Report } from './report.ts'
import { groupOf, askLogAndStore } from './session.ts'
import type { Row, Table } from './table.ts'
import { colourOf, evidenceCell, exitCodeFor } from './verdicts.ts'

export interface CheckOptions extends CommonOptions {
  readonly topic?: readonly string[] | undefined
  readonly allGroups?: boolean | undefined
  readonly clockSkew?: number | undefined
}

/** `tidemark check` */
export async function checkAction(options: CheckOptions): Promise<Report> {
  const named = options.allGroups === true ? undefined : groupOf(options)
  const wishes = { topics: options.topic, clockSkewMs: options.clockSkew }
  const { rows, failures } = await askLogAndStore(options, 'read', async (log, store): Promise<CheckedAll> => {
    if (named === undefined) return checkAll(log, store, wishes)
    return { rows: await check(log, store, { group: named, ...wishes }), failures: [] }
  })
  return {
    document: { partitions: rows, failures: failures.map(({ group, code, what }) => ({ group, code, message: what })) },
    table: tableOf(rows),
    remarks: rows.length + failures.length === 0 ? [nothingStored(named)] : [],
    failures,
    exitCode: worst([...rows.map(({ verdict }) => exitCodeFor(verdict)), ...failures.map(exitCodeOf)]),
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
  if (group === undefined) return 'the store holds no group with an offset'
  return `nothing is stored for group ${group}; with --topic a new group's topics are shown`
}
