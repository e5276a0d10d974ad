import { stripVTControlCharacters, styleText } from 'node:util'

/** One value of a row; null where there is nothing. */
export type Cell = string | number | null

/** A column by its name. `long`: sentences, the last column of a table; on a terminal they stand under their row. */
export interface Column {
  readonly name: string
  readonly long?: boolean | undefined
}

/** A row, and the colour of its verdict on a terminal. */
export interface Row {
  readonly cells: readonly Cell[]
  readonly colour?: Colour | undefined
  /** All is well here: on a terminal its sentences don't stand under the row, but once under the table for all such rows. */
  readonly quiet?: boolean | undefined
}

export type Colour = 'green' | 'yellow' | 'red'

/** Rows under columns: what the text and the CSV form of a result are made of. */
export interface Table {
  readonly columns: readonly Column[]
  readonly rows: readonly Row[]
}

/** What the reader looks at: a terminal of some width, in colour or not, or a file or another program. */
export type Screen = { readonly terminal: false } | { readonly terminal: true; readonly width: number; readonly colour: boolean }

const GAP = '  '
const INDENT = '    '

/** A table as aligned columns, one line per row; numbers to the right, `-` where there is nothing. */
export function printTable({ columns, rows }: Table, screen: Screen): string {
  const narrow = screen.terminal ? columns.filter(({ long }) => long !== true) : columns
  const lines = rows.map(({ cells }) => cells.slice(0, narrow.length).map(textOf))
  const widths = narrow.map(({ name }, index) => lines.reduce((widest, line) => Math.max(widest, line[index]?.length ?? 0), name.length))
  const right = narrow.map(
    (_, index) => rows.some(({ cells }) => typeof cells[index] === 'number') || rows.every(({ cells }) => cells[index] === null),
  )
  const layOut = (texts: readonly string[]): string =>
    texts
      .map((text, index) => pad(text, widths[index] ?? 0, right[index] === true))
      .join(GAP)
      .trimEnd()
  const printed = rows.map((row, index) => [
    paint(layOut(lines[index] ?? []), row.colour, screen),
    ...sentencesUnder(row, narrow.length, screen),
  ])
  const all = [layOut(narrow.map(({ name }) => name)), ...printed.flat(), ...sentencesOfQuiet(rows, narrow.length, screen)]
  return all.map((line) => `${line}\n`).join('')
}

/** Text that comes from elsewhere, so that it can't end a line or command the terminal. */
export function plain(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text // nearly all there is, in tables of ten thousand rows
  return stripVTControlCharacters(text).replaceAll(
    /[\p{Cc}\p{Zl}\p{Zp}]/gu,
    (control) => `\\x${(control.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`,
  )
}

/** Words in lines of at most `width`, each with the same indent. */
export function wrap(text: string, width: number, indent: string): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(indent + word)
  }
  return lines
}

function textOf(cell: Cell): string {
  if (typeof cell === 'number') return String(cell)
  return cell === null || cell === '' ? '-' : plain(cell)
}

function pad(text: string, width: number, right: boolean): string {
  return right ? text.padStart(width) : text.padEnd(width)
}

function sentencesUnder({ cells, quiet }: Row, from: number, screen: Screen): string[] {
  if (!screen.terminal || quiet === true) return []
  return sentences(cells, from).flatMap((sentence) => wrap(sentence, screen.width, INDENT))
}

function sentencesOfQuiet(rows: readonly Row[], from: number, screen: Screen): string[] {
  if (!screen.terminal) return []
  const counts = new Map<string, number>()
  for (const { cells } of rows.filter(({ quiet }) => quiet))
    for (const one of sentences(cells, from)) counts.set(one, (counts.get(one) ?? 0) + 1)
  return [...counts].flatMap(([sentence, count]) => wrap(`${count} × ${sentence}`, screen.width, ''))
}

function sentences(cells: readonly Cell[], from: number): string[] {
  return cells.slice(from).flatMap((cell) => (cell === null || cell === '' ? [] : [plain(String(cell))]))
}

function paint(line: string, colour: Colour | undefined, screen: Screen): string {
  return colour === undefined || !screen.terminal || !screen.colour ? line : styleText(colour, line, { validateStream: false })
}
