import type { BatchQuestion, LogBatch } from '../kafka/log.ts'
import type { MemoryPartition } from './memory-partition.ts'

/** What a leader in memory has at an offset, or in the first batch above it; or Kafka's name of an error. */
export function batchAt(leader: MemoryPartition, { offset }: BatchQuestion): { readonly batch: LogBatch | null } | string {
  if (offset < leader.logStartOffset || offset > leader.logEndOffset) return 'OFFSET_OUT_OF_RANGE'
  const [found] = leader.read(offset, 1, 'read_uncommitted')
  if (found === undefined) return { batch: null }
  if (found.isDamaged) return 'RECORD_CORRUPT'
  const { baseOffset, lastOffset, isControl } = found
  const records = found.records.map(({ offset: at, timestamp, key, value }) => {
    return { offset: at, timestamp, key, bytes: (key?.length ?? 0) + (value?.length ?? 0) }
  })
  const maxTimestamp = Math.max(-1, ...records.map(({ timestamp }) => timestamp))
  return { batch: { baseOffset, lastOffset, maxTimestamp, timestampType: 'CreateTime', isControl, records } }
}
