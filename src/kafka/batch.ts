import { TidemarkError } from '../errors.ts'
import { decompress } from './compression.ts'
import { crc32c } from './crc.ts'
import type { Unreadable } from './log.ts'

/*
 * A record batch, format v2 (KIP-98), as it lies in a fetch response:
 *
 *    0 baseOffset int64      12 partitionLeaderEpoch int32   27 baseTimestamp int64   53 baseSequence int32
 *    8 batchLength int32     16 magic int8                   35 maxTimestamp int64    57 recordCount int32
 *                            17 crc uint32                   43 producerId int64      61 records
 *                            21 attributes int16             51 producerEpoch int16
 *                            23 lastOffsetDelta int32
 *
 * batchLength counts from byte 12. The CRC32C covers byte 21 to the end. Attributes: bits 0-2 compression, bit 3
 * LogAppendTime, bit 4 transactional, bit 5 control.
 */
const BATCH_LENGTH_AT = 8
const LENGTH_FROM = 12
const CRC_AT = 17
const CRC_FROM = 21
const RECORDS_FROM = 61

/** The header of one record batch, and where its bytes lie. */
export interface RecordBatch {
  readonly buffer: Buffer
  readonly start: number
  readonly end: number
  readonly baseOffset: number
  /** The last offset that the batch covers, whether or not a record is left at it. */
  readonly lastOffset: number
  readonly leaderEpoch: number
  readonly compression: number
  /** Whether the broker stamped the records (LogAppendTime); then all bear `maxTimestamp`. */
  readonly logAppendTime: boolean
  readonly transactional: boolean
  readonly control: boolean
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly producerId: number
  readonly recordCount: number
}

/** The batches that could be read, and the first that could not, if there is one. */
export interface ReadBatches {
  readonly batches: readonly RecordBatch[]
  readonly damaged?: { readonly unreadable: Unreadable; readonly error: TidemarkError } | undefined
}

/** The whole batches in a partition's bytes of a fetch response, CRCs checked, up to the first damaged one. A batch that the broker cut off at the end is left out. */
export function readBatches(buffer: Buffer): ReadBatches {
  const batches: RecordBatch[] = []
  let start = 0
  while (start + RECORDS_FROM <= buffer.length) {
    const end = endOf(buffer, start)
    if (end > buffer.length) break
    try {
      checkBatch(buffer, start, end)
      batches.push(readBatch(buffer, start))
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error
      return { batches, damaged: { unreadable: unreadableAt(buffer, start, end), error } }
    }
    start = end
  }
  return { batches }
}

/** The span of a damaged batch. Its header's offsets are under the CRC too, all but the first: where the last one makes no sense, only the first offset is passed over. */
export function unreadableAt(buffer: Buffer, start: number, end: number): Unreadable {
  const fromOffset = readLong(buffer, start)
  const delta = end - start < RECORDS_FROM ? 0 : buffer.readInt32BE(start + 23)
  return { fromOffset, untilOffset: fromOffset + Math.max(0, delta) + 1, bytes: Buffer.from(buffer.subarray(start, end)) }
}

function checkBatch(buffer: Buffer, start: number, end: number): void {
  const baseOffset = readLong(buffer, start)
  const magic = buffer.readInt8(start + 16)
  if (magic !== 2) throw corrupt(baseOffset, `the record format v${magic} is older than Kafka 0.11's, and not read`)
  if (end - start < RECORDS_FROM) throw corrupt(baseOffset, `a record batch of ${end - start} bytes is too short`)
  const expected = buffer.readUInt32BE(start + CRC_AT)
  const found = crc32c(buffer.subarray(start + CRC_FROM, end))
  if (found !== expected) throw corrupt(baseOffset, `CRC32C is ${found.toString(16)} and should be ${expected.toString(16)}`)
}

/** The header of a batch that was found sound. */
export function readBatch(buffer: Buffer, start: number): RecordBatch {
  const baseOffset = readLong(buffer, start)
  const attributes = buffer.readInt16BE(start + 21)
  return {
    buffer,
    start,
    end: endOf(buffer, start),
    baseOffset,
    lastOffset: baseOffset + buffer.readInt32BE(start + 23),
    leaderEpoch: buffer.readInt32BE(start + 12),
    compression: attributes & 0x07,
    logAppendTime: (attributes & 0x08) !== 0,
    transactional: (attributes & 0x10) !== 0,
    control: (attributes & 0x20) !== 0,
    baseTimestamp: readLong(buffer, start + 27),
    maxTimestamp: readLong(buffer, start + 35),
    producerId: readLong(buffer, start + 43),
    recordCount: buffer.readInt32BE(start + 57),
  }
}

function endOf(buffer: Buffer, start: number): number {
  return start + LENGTH_FROM + buffer.readInt32BE(start + BATCH_LENGTH_AT)
}

/** The batch's records, uncompressed. @throws TidemarkError RECORD_CORRUPT where they can't be decompressed. */
export function recordBytes(batch: RecordBatch): Buffer {
  const bytes = batch.buffer.subarray(batch.start + RECORDS_FROM, batch.end)
  try {
    return decompress(batch.compression, bytes)
  } catch (error) {
    throw corrupt(batch.baseOffset, `the batch can't be decompressed: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** Whether a control batch marks an aborted transaction (its record's key: version int16, type int16, 0 = abort). */
export function isAbortMarker(batch: RecordBatch): boolean {
  if (!batch.control) return false
  const bytes = recordBytes(batch)
  const at = keyAt(bytes)
  return at >= 0 && bytes.readInt16BE(at + 2) === 0
}

/** The position of the key's bytes of the first record, or -1 where it has none of four bytes. */
function keyAt(bytes: Buffer): number {
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]
      if (byte === undefined) throw new RangeError('a varint ends early')
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1)
    }
  }
  varint() // length
  at += 1 // attributes
  varint() // timestamp delta: zero in control batches
  varint() // offset delta
  return varint() >= 4 ? at : -1
}

/** An int64 as a number: exact up to 2^53, which offsets and times never reach. */
function readLong(buffer: Buffer, at: number): number {
  return buffer.readInt32BE(at) * 0x1_0000_0000 + buffer.readUInt32BE(at + 4)
}

/** RECORD_CORRUPT at an offset. */
export function corrupt(offset: number, detail: string): TidemarkError {
  return new TidemarkError('RECORD_CORRUPT', `the record batch at offset ${offset} can't be read: ${detail}`)
}
