import { readFile } from 'node:fs/promises'
import { watch, watchOnce } from '../verbs/watch.ts'
import { configError, parseWatchConfig } from '../watch/config.ts'
import type { WatchConfig } from '../watch/config.ts'
import type { Round, WatchedRow } from '../watch/round.ts'
import { EXIT, withoutSecrets, worst } from './failure.ts'
import { exitCodesOf, marginJson, withMargins } from './margin.ts'
import type { CommonOptions } from './options.ts'
import type { Report } from './report.ts'
import { say } from './say.ts'
import { stopSignal } from './stop-signal.ts'
import type { Row, Table } from './table.ts'
import { colourOf, evidenceCell, exitCodeFor } from './verdicts.ts'

export interface WatchOptions extends CommonOptions {
  readonly once?: boolean | undefined
  readonly clockSkew?: number | undefined
}

/** `tidemark watch` */
export async function watchAction(options: WatchOptions, [file = '']: readonly string[]): Promise<Report> {
  const config = await readConfig(file)
  const { timeout, ledger, clockSkew, version = '' } = options
  const wishes = { timeoutMs: timeout, ledger, clockSkewMs: clockSkew, signal: stopSignal(), hide: withoutSecrets }
  if (options.once === true) return reportOf(await watchOnce(config, wishes), config)
  await watch(config, { ...wishes, version, onEvent: writeLine, say })
  return { document: {}, table: { columns: [], rows: [] }, isWritten: true, exitCode: EXIT.ok }
}

async function readConfig(file: string): Promise<WatchConfig> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw configError(file, `it can't be read: ${error.code ?? error.message}`, error)
  })
  return parseWatchConfig(text, file)
}

function writeLine(event: object): void {
  process.stdout.write(`${JSON.stringify(event)}\n`)
}

function reportOf({ rows, failures }: Round, { warnMarginMs }: WatchConfig): Report {
  const margins = warnMarginMs === undefined ? undefined : { warnMs: warnMarginMs, found: rows.map(({ margin }) => margin) }
  return {
    document: { partitions: rows.map((row) => ({ ...row, margin: marginJson(row.margin) })), failures },
    table: withMargins(tableOf(rows), margins),
    remarks: failures.map(
      ({ cluster, store, group, code, message }) => `${cluster}/${store}${group === null ? '' : ` group ${group}`}: ${code}: ${message}`,
    ),
    exitCode: worst([
      ...rows.map(({ verdict }) => exitCodeFor(verdict)),
      ...failures.map(() => EXIT.undetermined),
      ...exitCodesOf(margins),
    ]),
  }
}

const COLUMNS = [
  'CLUSTER',
  'STORE',
  'GROUP',
  'TOPIC',
  'PARTITION',
  'CURRENT-OFFSET',
  'LOG-START-OFFSET',
  'LOG-END-OFFSET',
  'LAG',
  'VERDICT',
]

function tableOf(rows: readonly WatchedRow[]): Table {
  return { columns: [...COLUMNS.map((name) => ({ name })), { name: 'EVIDENCE', long: true }], rows: rows.map(rowOf) }
}

function rowOf(row: WatchedRow): Row {
  const { cluster, store, group, topic, partition, committedOffset, logStartOffset, logEndOffset, lag, verdict, evidence } = row
  const offsets = [committedOffset, logStartOffset, logEndOffset, lag]
  return {
    cells: [cluster, store, group, topic, partition, ...offsets, verdict, evidenceCell(verdict, evidence)],
    colour: colourOf(verdict),
    quiet: verdict === 'valid',
  }
}
