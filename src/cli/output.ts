import { printCsv } from './csv.ts'
import { printFailure, withoutSecrets } from './failure.ts'
import type { CommonOptions, Format } from './options.ts'
import type { Report } from './report.ts'
import { plain, printTable } from './table.ts'
import type { Screen } from './table.ts'

/** The version of the JSON documents' shapes; docs/json.md describes them. */
const JSON_VERSION = 1

/** A reader that went away (`tidemark check | head -1`) is no failure: the process ends with the exit code it has. */
export function endQuietlyWithoutReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    process.exit()
  })
  process.stderr.on('error', () => {})
}

/** Writes a report: results to stdout, everything else to stderr. Resolves when all of it is out. */
export async function writeReport(verb: string, report: Report, { output, verbose }: CommonOptions): Promise<void> {
  if (report.isWritten !== true) await write(process.stdout, printReport(verb, report, output, screenOf(process.stdout)))
  if (output === 'text') for (const remark of report.remarks ?? []) await write(process.stderr, `${withoutSecrets(plain(remark))}\n`)
  for (const failure of report.failures ?? []) await write(process.stderr, printFailure(failure, verbose))
}

function printReport(verb: string, { document, table, text }: Report, output: Format, screen: Screen): string {
  if (output === 'json') return `${JSON.stringify({ version: JSON_VERSION, verb, ...document }, null, 2)}\n`
  if (output === 'csv') return printCsv(table)
  if (text !== undefined) return text(screen)
  return table.rows.length === 0 ? '' : printTable(table, screen)
}

function screenOf(stream: NodeJS.WriteStream): Screen {
  if (!stream.isTTY) return { terminal: false }
  const noColour = process.env['NO_COLOR'] ?? ''
  return { terminal: true, width: stream.columns, colour: noColour === '' && stream.hasColors() }
}

function write(stream: NodeJS.WriteStream, text: string): Promise<void> {
  return new Promise((resolve) => {
    stream.write(text, () => resolve())
  })
}
