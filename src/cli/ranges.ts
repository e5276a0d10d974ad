import type { OffsetRange } from '../core/position.ts'
import type { Table } from './table.ts'

/** What a group got through, a row for each partition. */
export function tableOfRanges(group: string, ranges: readonly OffsetRange[]): Table {
  return {
    columns: ['GROUP', 'TOPIC', 'PARTITION', 'FROM-OFFSET', 'UNTIL-OFFSET'].map((name) => ({ name })),
    rows: ranges.map(({ topic, partition, fromOffset, untilOffset }) => ({ cells: [group, topic, partition, fromOffset, untilOffset] })),
  }
}
