import type { Cell, Table } from './table.ts'

/** A table as RFC 4180 CSV with a header row. Where there is nothing, the field is empty. */
export function printCsv({ columns, rows }: Table): string {
  return [columns.map(({ name }) => name), ...rows.map(({ cells }) => cells)].map((cells) => `${cells.map(field).join(',')}\r\n`).join('')
}

function field(cell: Cell): string {
  const text = cell === null ? '' : String(cell)
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
