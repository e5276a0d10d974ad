import { crc32 } from 'node:zlib'
import type { TopicPartition } from '../core/position.ts'
import type { HandlerBatch } from '../job/handling.ts'
import type { KafkaRecord } from '../kafka/log.ts'
import type { Part } from './protocol.ts'

/**
 * Divides a batch over so many processes; undefined for those that get none of it. A partition always goes to the same one, and a
 * topic's partitions to one after the other.
 */
export function divide({ ranges, records }: HandlerBatch, processes: number): (Part | undefined)[] {
  const firsts = new Map(ranges.map(({ topic }) => [topic, crc32(topic) % processes]))
  const indexOf = ({ topic, partition }: TopicPartition): number => ((firsts.get(topic) ?? 0) + partition) % processes
  return Array.from({ length: processes }, (_, index) => {
    const isIts = (place: TopicPartition): boolean => indexOf(place) === index
    const itsRanges = ranges.filter(isIts)
    return itsRanges.length === 0 ? undefined : { ranges: itsRanges, records: { [Symbol.iterator]: () => only(records, isIts) } }
  })
}

function* only(records: Iterable<KafkaRecord>, isWanted: (record: KafkaRecord) => boolean): Generator<KafkaRecord> {
  for (const record of records) if (isWanted(record)) yield record
}
