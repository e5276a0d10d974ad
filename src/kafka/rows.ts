import { createAPI, Writer } from '@platformatic/kafka'
import type { API } from '@platformatic/kafka'
import type { TopicPartition } from '../core/position.ts'
import { Bytes, viewOf } from './bytes.ts'
import type { Roster } from './roster.ts'

/** The replica ID by which a request says that it is a consumer's: -1. */
export const A_CONSUMER = Buffer.from([255, 255, 255, 255])

/** What a request says of each partition, and what the answer does: rows of a fixed size, by topic. */
export interface RowsCall<Item extends TopicPartition> {
  readonly key: number
  /** What the request says before its topics. */
  readonly head: Buffer
  readonly roster: Roster<Item>
  /** How long a row of the request is, bytes. */
  readonly rowBytes: number
  /** How long a row of the answer is, bytes. */
  readonly answerBytes: number
  /** Writes one partition's row. */
  readonly write: (to: DataView, at: number, item: Item) => void
  /** Takes one partition's row: `partition` must say which, and `read` what is said of it; `index` is the item's. */
  readonly partition: (from: DataView, at: number) => number
  readonly read: (from: DataView, at: number, index: number) => void
}

/** A version of such a call. Ours, because the client's own makes a buffer of each number and an object of each partition, which for ten thousand of them is what takes the time. */
export function rowsApi<Item extends TopicPartition>(call: RowsCall<Item>, version: number): API<[], void> {
  return createAPI<[], void>(
    call.key,
    version,
    () => Writer.create().append(encode(call)),
    (_id, _key, _version, reader) => decode(call, reader.buffer.slice(reader.position)),
  )
}

/** A varint of up to 2^21, and the zero after a row or a topic that says that no tagged field follows. */
const VARINT_BYTES = 3
const TAG_BYTES = 1

function encode<Item extends TopicPartition>({ head, roster, rowBytes, write }: RowsCall<Item>): Buffer {
  const topics = roster.groups.map(({ topic, indexes }) => ({ name: Buffer.from(topic), indexes }))
  const sizes = topics.map(({ name, indexes }) => 2 * VARINT_BYTES + name.length + indexes.length * (rowBytes + TAG_BYTES) + TAG_BYTES)
  const to = Buffer.alloc(sizes.reduce((sum, size) => sum + size, head.length + VARINT_BYTES + TAG_BYTES))
  const view = viewOf(to)
  let at = writeLength(to, head.copy(to), topics.length)
  for (const { name, indexes } of topics) {
    at = writeLength(to, at, name.length)
    at = writeLength(to, at + name.copy(to, at), indexes.length)
    for (const index of indexes) {
      write(view, at, roster.items[index] as Item)
      at += rowBytes + TAG_BYTES
    }
    at += TAG_BYTES
  }
  return to.subarray(0, at + TAG_BYTES)
}

/** A length as Kafka's compact forms have it: one more than it is, seven bits a byte, the lowest first. */
function writeLength(to: Buffer, from: number, length: number): number {
  let at = from
  let left = length + 1
  for (; left > 127; left >>>= 7) to[at++] = (left & 127) | 128
  to[at++] = left
  return at
}

function decode<Item extends TopicPartition>({ roster, answerBytes, partition, read }: RowsCall<Item>, from: Buffer): void {
  const bytes = new Bytes(from)
  bytes.int32() // the throttle time: the broker has waited already
  for (let topics = bytes.length(); topics > 0; topics--) {
    const topic = bytes.text()
    for (let rows = bytes.length(); rows > 0; rows--) {
      const at = bytes.skip(answerBytes)
      bytes.skipTags()
      const index = roster.indexOf(topic, partition(bytes.view, at))
      if (index >= 0) read(bytes.view, at, index)
    }
    bytes.skipTags()
  }
}
