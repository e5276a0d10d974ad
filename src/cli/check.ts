import type { Log } from '../kafka/log.ts'
import type { Store } from '../store/store.ts'
import { check } from '../verbs/check.ts'
import type { CheckRow } from '../verbs/check.ts'
import { checkAll } from '../verbs/check-all.ts'
import type { CheckedAll } from '../verbs/check-all.ts'
import { marginsOf } from '../verbs/margin.ts'
import { exitCodeOf, worst } from './failure.ts'
import { typesOf, withGroupTypes } from './group-types.ts'
import { exitCodesOf, partitionsWith, withMargins } from './margin.ts'
import type { Margins } from './margin.ts'
import type { CommonOptions } from './options.ts'
import type { Report } from './report.ts'
import { groupOf, askLogAndStore } from './session.ts'
import type { Row, Table } from './table.ts'
import { colourOf, evidenceCell, exitCodeFor } from './verdicts.ts'

export interface CheckOptions extends CommonOptions {
  readonly topic?: readonly string[] | undefined
  readonly allGroups?: boolean | undefined
  readonly clockSkew?: number | undefined
  readonly warnMargin?: number | undefined
}

/** `tidemark check` */
export async function checkAction(options: CheckOptions): Promise<Report> {
  const named = options.allGroups === true ? undefined : groupOf(options)
  const wishes = { topics: options.topic, clockSkewMs: options.clockSkew }
  const checked = async (log: Log, store: Store): Promise<CheckedAll> => {
    if (named === undefined) return checkAll(log, store, wishes)
    const [found, described] = await Promise.all([check(log, store, { group: named, ...wishes }), store.describeGroups([named])])
    return { groups: described, rows: found, failures: [] }
  }
  const { groups, rows, failures, margins } = await askLogAndStore(options, 'read', async (log, store) => {
    const all = await checked(log, store)
    return { ...all, margins: await askMargins(log, all.rows, options.warnMargin) }
  })
  return {
    document: {
      groups: typesOf(groups),
      partitions: partitionsWith(rows, margins),
      failures: failures.map(({ group, code, what }) => ({ group, code, message: what })),
    },
    table: withGroupTypes(withMargins(tableOf(rows), margins), groups, failures),
    remarks: rows.length + failures.length === 0 ? [nothingStored(named)] : [],
    failures,
    exitCode: worst([...rows.map(({ verdict }) => exitCodeFor(verdict)), ...exitCodesOf(margins), ...failures.map(exitCodeOf)]),
  }
}

async function askMargins(log: Log, rows: readonly CheckRow[], warnMs: number | undefined): Promise<Margins | undefined> {
  return warnMs === undefined ? undefined : { warnMs, found: await marginsOf(log, rows, { now: Date.now() }) }
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
