import { isBelow, spanText } from '../core/margin.ts'
import type { Margin } from '../core/margin.ts'
import { printDuration } from '../durations.ts'
import { EXIT } from './failure.ts'
import type { ExitCode } from './failure.ts'
import type { Cell, Row, Table } from './table.ts'

/** What was asked about how near retention is: the least margin that is wished for, ms, and those that there are, row by row. */
export interface Margins {
  readonly warnMs: number
  readonly found: readonly (Margin | null)[]
}

/** The rows of a check with their margins, as JSON. */
export function partitionsWith(rows: readonly object[], margins: Margins | undefined): readonly object[] {
  return margins === undefined ? rows : rows.map((row, index) => ({ ...row, margin: marginJson(margins.found[index]) }))
}

/** A margin as JSON, beside what names its offset already. */
export function marginJson(margin: Margin | null | undefined): object | null {
  if (margin == null) return null
  const { notBeforeMs, byTimeMs, bySizeMs, oldestUnreadAt, ageMs, evidence } = margin
  return { notBeforeMs, byTimeMs, bySizeMs, oldestUnreadAt, ageMs, evidence }
}

/** The table of a check with a column for the margin before its sentences, which say more where it is too little or not known. */
export function withMargins({ columns, rows }: Table, margins: Margins | undefined): Table {
  if (margins === undefined) return { columns, rows }
  return {
    columns: [...columns.slice(0, -1), { name: 'MARGIN' }, ...columns.slice(-1)],
    rows: rows.map((row, index) => rowWith(row, margins.found[index] ?? null, margins.warnMs)),
  }
}

function rowWith({ cells, colour, quiet }: Row, margin: Margin | null, warnMs: number): Row {
  const [before, evidence = null] = [cells.slice(0, -1), cells.at(-1)]
  if (margin === null || exitCodeOfMargin(margin, warnMs) === EXIT.ok)
    return { cells: [...before, marginCell(margin), evidence], colour, quiet }
  const sentences = [evidence, marginText(margin)].filter((one) => one !== null).join('; ')
  return { cells: [...before, marginCell(margin), sentences], colour: colour === 'green' ? 'yellow' : colour, quiet: false }
}

/** A duration as options take it, rounded down. */
function marginCell(margin: Margin | null): Cell {
  if (margin === null || margin.notBeforeMs === null) return null
  return margin.notBeforeMs === 'never' ? 'never' : printDuration(margin.notBeforeMs)
}

/** A margin in one sentence. */
export function marginText({ notBeforeMs, evidence }: Margin): string {
  return `${headline(notBeforeMs)} (${evidence.join('; ')})`
}

function headline(notBeforeMs: Margin['notBeforeMs']): string {
  if (notBeforeMs === null) return 'how soon retention can pass this offset is not known'
  if (notBeforeMs === 'never') return 'retention does not pass this offset'
  return `retention can pass this offset ${notBeforeMs === 0 ? 'at any moment' : `not before ${spanText(notBeforeMs)}`}`
}

/** The exit codes that margins come to: less than was wished for is a finding, and what is not known could not be determined. */
export function exitCodesOf(margins: Margins | undefined): ExitCode[] {
  return (margins?.found ?? []).map((margin) => exitCodeOfMargin(margin, margins?.warnMs ?? 0))
}

function exitCodeOfMargin(margin: Margin | null, warnMs: number): ExitCode {
  if (margin === null) return EXIT.ok
  if (isBelow(margin, warnMs)) return EXIT.findings
  return margin.notBeforeMs === null ? EXIT.undetermined : EXIT.ok
}
