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
  const aligned = narrow.map(({ name }, index) =>
    alignedColumn(
      name,
      rows.map(({ cells }) => cells[index] ?? null),
    ),
  )
  const lineAt = (row: number): string =>
    aligned
      .map((column) => column[row])
      .join(GAP)
      .trimEnd()
  const lines = [lineAt(0)]
  rows.forEach((row, index) => {
    lines.push(paint(lineAt(index + 1), row.colour, screen))
    if (screen.terminal && row.quiet !== true) lines.push(...sentencesUnder(row, narrow.length, screen.width))
  })
  if (screen.terminal) lines.push(...sentencesOfQuiet(rows, narrow.length, screen.width))
  return `${lines.join('\n')}\n`
}

/** A column's name and texts, each as wide as the widest. */
function alignedColumn(name: string, cells: readonly Cell[]): string[] {
  const texts = mapRuns(cells, textOf)
  const width = texts.reduce((widest, text) => Math.max(widest, text.length), name.length)
  const toTheRight = cells.some((cell) => typeof cell === 'number') || cells.every((cell) => cell === null)
  return mapRuns([name, ...texts], (text) => (toTheRight ? text.padStart(width) : text.padEnd(width)))
}

/** As `map`, but what is the same as the one before is mapped with it: in a column of ten thousand cells that is most of them. */
function mapRuns<From extends Cell, To>(items: readonly From[], map: (item: From) => To): To[] {
  const mapped: To[] = []
  items.forEach((item, index) => mapped.push(index > 0 && item === items[index - 1] ? (mapped[index - 1] as To) : map(item)))
  return mapped
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

function sentencesUnder({ cells }: Row, from: number, width: number): string[] {
  return sentences(cells, from).flatMap((sentence) => wrap(sentence, width, INDENT))
}

function sentencesOfQuiet(rows: readonly Row[], from: number, width: number): string[] {
  const counts = new Map<string, number>()
  for (const { cells } of rows.filter(({ quiet }) => quiet))
    for (const one of sentences(cells, from)) counts.set(one, (counts.get(one) ?? 0) + 1)
  return [...counts].flatMap(([sentence, count]) => wrap(`${count} × ${sentence}`, width, ''))
}

function sentences(cells: readonly Cell[], from: number): string[] {
  return cells.slice(from).flatMap((cell) => (cell === null || cell === '' ? [] : [plain(String(cell))]))
}

function paint(line: string, colour: Colour | undefined, screen: Screen): string {
  return colour === undefined || !screen.terminal || !screen.colour ? line : styleText(colour, line, { validateStream: false })
}
