import { createAPI, Writer } from '@platformatic/kafka'
import type { Reader } from '@platformatic/kafka'
import type { Isolation } from './log.ts'
import type { Chunks, Piece } from './memory.ts'
import type { Call } from './protocol.ts'

/** What one fetch asks of one broker. */
export interface FetchRequest {
  readonly isolation: Isolation
  readonly maxWaitMs: number
  readonly maxBytes: number
  readonly partitions: readonly FetchPartition[]
}

export interface FetchPartition {
  readonly topicId: string
  readonly partition: number
  /** The leader epoch that we know, so that a stale leader refuses (KIP-320). */
  readonly leaderEpoch: number
  readonly offset: number
  /** The epoch of the last batch read, so that the broker tells of a divergence (KIP-595); -1: not known. */
  readonly lastFetchedEpoch: number
  readonly maxBytes: number
}

export interface FetchResponse {
  readonly errorCode: number
  readonly partitions: readonly FetchedPartition[]
}

export interface FetchedPartition {
  readonly topicId: string
  readonly partition: number
  readonly errorCode: number
  readonly logEndOffset: number
  /** Where read_committed ends. */
  readonly lastStableOffset: number
  readonly logStartOffset: number
  /** Where the leader's history parts from ours, if it does. */
  readonly diverging?: { readonly epoch: number; readonly endOffset: number } | undefined
  readonly aborted: ReadonlyArray<{ readonly producerId: number; readonly firstOffset: number }>
  /** The record batches as they came; the last may be cut off. undefined: none. */
  readonly records: Piece | undefined
}

const FETCH = 1

/** Makes one piece of bytes that came in chunks. */
export type Join = (chunks: Chunks) => Piece

/**
 * Fetch by topic ID: version 13 (Kafka 3.1) to 17. Ours, because the client's own decodes every record and checks no CRC.
 * @param join called while an answer is decoded: the memory that it came in is not its own
 */
export function fetchWith(join: Join): Call<[FetchRequest], FetchResponse> {
  const version = (number: number) =>
    createAPI<[FetchRequest], FetchResponse>(
      FETCH,
      number,
      (request) => encode(request, number),
      (_id, _key, _version, reader) => decode(reader, join),
    )
  return { name: 'Fetch', versions: [version(17), version(16), version(15), version(14), version(13)] }
}

function encode({ isolation, maxWaitMs, maxBytes, partitions }: FetchRequest, number: number): Writer {
  const writer = Writer.create()
  if (number < 15) writer.appendInt32(-1) // replica ID: a consumer
  writer
    .appendInt32(maxWaitMs)
    .appendInt32(1)
    .appendInt32(maxBytes)
    .appendInt8(isolation === 'read_committed' ? 1 : 0)
  writer.appendInt32(0).appendInt32(-1) // no fetch session
  writer.appendArray([...byTopic(partitions)], (to, [topicId, group]) => {
    to.appendUUID(topicId).appendArray(group, (into, partition) => {
      into.appendInt32(partition.partition).appendInt32(partition.leaderEpoch).appendInt64(BigInt(partition.offset))
      into.appendInt32(partition.lastFetchedEpoch).appendInt64(-1n).appendInt32(partition.maxBytes)
    })
  })
  return writer
    .appendArray([], () => {})
    .appendString('')
    .appendTaggedFields()
}

function byTopic(partitions: readonly FetchPartition[]): Map<string, FetchPartition[]> {
  const groups = new Map<string, FetchPartition[]>()
  for (const partition of partitions) {
    const group = groups.get(partition.topicId)
    if (group === undefined) groups.set(partition.topicId, [partition])
    else group.push(partition)
  }
  return groups
}

function decode(reader: Reader, join: Join): FetchResponse {
  reader.readInt32() // throttle time: the broker has waited already
  const errorCode = reader.readInt16()
  reader.readInt32() // session ID
  const partitions = reader.readArray((topic) => {
    const topicId = topic.readUUID()
    return topic.readArray((partition) => decodePartition(partition, topicId, join), true, false)
  })
  return { errorCode, partitions: partitions.flat() }
}

function decodePartition(reader: Reader, topicId: string, join: Join): FetchedPartition {
  const partition = reader.readInt32()
  const errorCode = reader.readInt16()
  const logEndOffset = Number(reader.readInt64())
  const lastStableOffset = Number(reader.readInt64())
  const logStartOffset = Number(reader.readInt64())
  const aborted = reader.readNullableArray((one) => ({ producerId: Number(one.readInt64()), firstOffset: Number(one.readInt64()) })) ?? []
  reader.readInt32() // preferred read replica: no rack is given, so there is none
  const records = readRecords(reader, join)
  const diverging = readDivergence(reader)
  return { topicId, partition, errorCode, logEndOffset, lastStableOffset, logStartOffset, aborted, records, diverging }
}

function readRecords(reader: Reader, join: Join): Piece | undefined {
  const length = reader.readUnsignedVarInt() - 1
  if (length <= 0) return undefined
  const start = reader.position
  reader.skip(length)
  return join(reader.buffer.subarray(start, start + length))
}

/** Tagged field 0 of a partition is the diverging epoch; the others (current leader, snapshot) are not used. */
function readDivergence(reader: Reader): FetchedPartition['diverging'] {
  let diverging: FetchedPartition['diverging']
  for (let fields = reader.readUnsignedVarInt(); fields > 0; fields--) {
    const tag = reader.readUnsignedVarInt()
    const end = reader.readUnsignedVarInt() + reader.position
    if (tag === 0) diverging = { epoch: reader.readInt32(), endOffset: Number(reader.readInt64()) }
    reader.skip(end - reader.position)
  }
  return diverging
}
