import { createAPI, Writer } from '@platformatic/kafka'
import { whileArriving, type Decoding } from './arriving.ts'
import type { Isolation } from './log.ts'
import type { Piece } from './memory.ts'
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

/** Memory for a partition's records, of that many bytes. */
export type Place = (bytes: number) => Piece

/**
 * Fetch by topic ID: version 13 (Kafka 3.1) to 17. Ours, because the client's own decodes every record and checks no CRC.
 * @param place where a partition's records are to go, asked while the answer arrives
 */
export function fetchWith(place: Place): Call<[FetchRequest], FetchResponse> {
  const version = (number: number) =>
    createAPI<[FetchRequest], FetchResponse>(
      FETCH,
      number,
      (request) => encode(request, number),
      whileArriving(() => decode(place)),
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

function* decode(place: Place): Decoding<FetchResponse> {
  yield 4 // throttle time: the broker has waited already
  const errorCode = (yield 2).int16()
  yield 4 // session ID
  const partitions: FetchedPartition[] = []
  for (let topics = yield* decodeLength(); topics > 0; topics--) {
    const topicId = (yield 16).uuid()
    for (let left = yield* decodeLength(); left > 0; left--) partitions.push(yield* decodePartition(topicId, place))
    yield* skipTags()
  }
  return { errorCode, partitions }
}

/** Every answer has a part of each partition that was asked for, most of them empty: what nearly always has one byte is waited for with what is before it. */
function* decodePartition(topicId: string, place: Place): Decoding<FetchedPartition> {
  const head = yield 31
  const [partition, errorCode] = [head.int32(), head.int16()]
  const [logEndOffset, lastStableOffset, logStartOffset] = [head.int64(), head.int64(), head.int64()]
  const transactions = head.byte()
  const aborted = transactions < 2 ? [] : yield* decodeAborted(transactions)
  const middle = yield 5
  middle.skip(4) // preferred read replica: no rack is given, so there is none
  const length = middle.byte()
  const records = length < 2 ? undefined : yield* decodeRecords(length, place)
  const fields = (yield 1).byte()
  const diverging = fields === 0 ? undefined : yield* decodeDivergence(fields)
  return { topicId, partition, errorCode, logEndOffset, lastStableOffset, logStartOffset, aborted, records, diverging }
}

function* decodeAborted(first: number): Decoding<FetchedPartition['aborted']> {
  const aborted = []
  for (let left = (yield* decodeVarint(first)) - 1; left > 0; left--) {
    const one = yield 16
    aborted.push({ producerId: one.int64(), firstOffset: one.int64() })
    yield* skipTags()
  }
  return aborted
}

function* decodeRecords(first: number, place: Place): Decoding<Piece> {
  const piece = place((yield* decodeVarint(first)) - 1)
  yield piece.bytes
  return piece
}

/** Tagged field 0 of a partition is the diverging epoch; the others (current leader, snapshot) are not used. */
function* decodeDivergence(first: number): Decoding<FetchedPartition['diverging']> {
  let diverging: FetchedPartition['diverging']
  for (let fields = yield* decodeVarint(first); fields > 0; fields--) {
    const tag = yield* decodeVarint()
    const field = yield yield* decodeVarint()
    if (tag === 0) diverging = { epoch: field.int32(), endOffset: field.int64() }
  }
  return diverging
}

function* skipTags(): Decoding<void> {
  for (let fields = yield* decodeVarint(); fields > 0; fields--) {
    yield* decodeVarint()
    yield yield* decodeVarint()
  }
}

/** A length as Kafka's compact forms have it: one more than it is; -1: null. */
function* decodeLength(): Decoding<number> {
  return (yield* decodeVarint()) - 1
}

/** @param first its first byte, where that is read already */
function* decodeVarint(first?: number): Decoding<number> {
  let byte = first ?? (yield 1).byte()
  let value = byte & 127
  for (let shift = 7; byte >= 128; shift += 7) {
    byte = (yield 1).byte()
    value += (byte & 127) * 2 ** shift
  }
  return value
}
