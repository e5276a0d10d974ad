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

/** Between two columns, spaces. */
const GAP = 2
const INDENT = '    '

/** A table as aligned columns, one line per row; numbers to the right, `-` where there is nothing. */
export function printTable({ columns, rows }: Table, screen: Screen): string {
  const narrow = screen.terminal ? columns.filter(({ long }) => long !== true) : columns
  const texts = rows.map(({ cells }) => narrow.map((_, index) => textOf(cells[index] ?? null)))
  const widths = narrow.map(({ name }, index) => texts.reduce((widest, line) => Math.max(widest, line[index]?.length ?? 0), name.length))
  const right = narrow.map(
    (_, index) => rows.some(({ cells }) => typeof cells[index] === 'number') || rows.every(({ cells }) => cells[index] === null),
  )
  const lineOf = alignedBy(widths, right)
  const lines = [lineOf(narrow.map(({ name }) => name))]
  rows.forEach((row, index) => {
    lines.push(paint(lineOf(texts[index] ?? []), row.colour, screen))
    if (screen.terminal && row.quiet !== true) lines.push(...sentencesUnder(row, narrow.length, screen.width))
  })
  if (screen.terminal) lines.push(...sentencesOfQuiet(rows, narrow.length, screen.width))
  return `${lines.join('\n')}\n`
}

/** Makes a line of texts, each as wide as its column. */
function alignedBy(widths: readonly number[], right: readonly boolean[]): (texts: readonly string[]) => string {
  // Made once, since padding each of a hundred thousand texts by itself takes longer.
  const spaces = Array.from({ length: GAP + Math.max(...widths) + 1 }, (_, length) => ' '.repeat(length))
  return (texts) => {
    let line = ''
    texts.forEach((text, index) => {
      const before = index === 0 ? 0 : GAP
      const missing = (widths[index] ?? 0) - text.length
      if (right[index] === true) line += (spaces[before + missing] ?? '') + text
      else line += (spaces[before] ?? '') + text + (spaces[missing] ?? '')
    })
    return line.trimEnd()
  }
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
