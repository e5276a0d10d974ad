import type { TidemarkError } from '../errors.ts'
import type { GroupListing } from '../store/driver.ts'
import type { Row, Table } from './table.ts'

/**
 * The table of a check with each group's type beside its name, and a line for every group that has no row there, because it can't have committed
 * offsets or has none. As it is where the store knows no types.
 */
export function withGroupTypes({ columns, rows }: Table, groups: readonly GroupListing[], failures: readonly TidemarkError[]): Table {
  const types = new Map(groups.flatMap(({ group, type }) => (type === undefined ? [] : [[group, type]])))
  const [first, ...others] = columns
  if (types.size === 0 || first === undefined) return { columns, rows }
  const typed = rows.map((row): Row => {
    const [group = null, ...cells] = row.cells
    return { ...row, cells: [group, types.get(String(group)) ?? null, ...cells] }
  })
  const told = new Set([...rows.map(({ cells }) => cells[0]), ...failures.map(({ group }) => group)])
  const lines = groups.filter(({ group, type }) => type !== undefined && !told.has(group)).map((one) => lineOf(one, columns.length))
  const all = lines.length === 0 ? typed : [...typed, ...lines].toSorted(byGroup)
  return { columns: [first, { name: 'TYPE' }, ...others], rows: all }
}

/** The groups whose type is known, as JSON. */
export function typesOf(groups: readonly GroupListing[]): readonly object[] {
  return groups.flatMap(({ group, type, withoutOffsets = null }) => (type === undefined ? [] : [{ group, type, withoutOffsets }]))
}

function lineOf({ group, type, withoutOffsets }: GroupListing, columns: number): Row {
  const nothing = Array.from({ length: columns - 2 }, () => null)
  return { cells: [group, type ?? null, ...nothing, (withoutOffsets ?? ['nothing is committed in it']).join('; ')] }
}

/** The rows of one group keep their order. */
function byGroup(a: Row, b: Row): number {
  const [one, other] = [String(a.cells[0]), String(b.cells[0])]
  return one < other ? -1 : one > other ? 1 : 0
}
