import { Reader, Writer } from '@platformatic/kafka'
import * as fc from 'fast-check'
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Arrivals, decodingOf, settled, type Decoding, type Outcome } from '../../src/kafka/arriving.ts'
import { fetchWith, type FetchedPartition } from '../../src/kafka/fetch.ts'
import { Memory } from '../../src/kafka/memory.ts'

const TOPIC_ID = '7f2ee23a-b01a-4daa-8f44-4ddb3106a142'
const memory = new Memory(0)

/** A partition of a fetch's answer; what is not said is 0, or none. */
interface Told {
  readonly partition: number
  readonly logEndOffset: number
  readonly aborted: readonly { readonly producerId: number; readonly firstOffset: number }[]
  readonly records: string
  readonly diverging: { readonly epoch: number; readonly endOffset: number } | undefined
}

const tolds = fc.array(
  fc.record<Told>(
    {
      partition: fc.nat(),
      logEndOffset: fc.maxSafeNat(),
      aborted: fc.array(fc.record({ producerId: fc.maxSafeNat(), firstOffset: fc.maxSafeNat() }, { noNullPrototype: true }), {
        maxLength: 3,
      }),
      records: fc.nat(200_000).map((length) => 'r'.repeat(length % 7 === 0 ? length : length % 50)),
      diverging: fc.option(fc.record({ epoch: fc.nat(), endOffset: fc.maxSafeNat() }, { noNullPrototype: true }), { nil: undefined }),
    },
    { noNullPrototype: true },
  ),
  { maxLength: 5 },
)

/** An answer as brokers write it, with its length before it and something behind its topics that nobody reads. */
function encode(partitions: readonly Told[]): Buffer {
  const writer = Writer.create().appendInt32(0).appendInt16(0).appendInt32(0)
  writer.appendArray([TOPIC_ID], (to, id) => {
    to.appendUUID(id).appendArray(
      partitions as Told[],
      (into, { partition, logEndOffset, aborted, records, diverging }) => {
        into.appendInt32(partition).appendInt16(0).appendInt64(BigInt(logEndOffset)).appendInt64(5n).appendInt64(3n)
        into.appendArray([...aborted], (one, { producerId, firstOffset }) => {
          one.appendInt64(BigInt(producerId)).appendInt64(BigInt(firstOffset))
        })
        into
          .appendInt32(-1)
          .appendUnsignedVarInt(records.length + 1)
          .append(Buffer.from(records))
        into.appendUnsignedVarInt(diverging === undefined ? 1 : 2)
        if (diverging !== undefined) into.appendUnsignedVarInt(0).appendUnsignedVarInt(12).appendInt32(diverging.epoch)
        if (diverging !== undefined) into.appendInt64(BigInt(diverging.endOffset))
        into.appendUnsignedVarInt(1).appendUnsignedVarInt(3).append(Buffer.from('xyz'))
      },
      true,
      false,
    )
  })
  return writer.appendTaggedFields().append(Buffer.alloc(100_000)).prependLength().buffer
}

function* answers(begin: () => Decoding<unknown>, heard: Outcome<unknown>[]): Decoding<void> {
  for (;;) {
    const length = (yield 4).int32()
    heard.push(yield* settled(begin(), length))
  }
}

/** Lets bytes arrive, each time as many as there is room for, but at most so many of `cuts`. */
function arrive(arrivals: Arrivals, bytes: Buffer, cuts: readonly number[]): void {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const { room } = arrivals
    assert.ok(room.length > 0)
    const count = bytes.copy(room, 0, at, at + (cuts[turn % cuts.length] ?? room.length))
    arrivals.add(count)
    at += count
  }
}

function told({ records, partition, logEndOffset, aborted, diverging }: FetchedPartition): Told {
  return { partition, logEndOffset, aborted, records: records?.bytes.toString() ?? '', diverging }
}

const [api] = fetchWith((bytes) => memory.piece(bytes, 0)).versions
type Parse = Parameters<typeof decodingOf>[0]
let parse: Parse | undefined
// The client's API hands its parser to the connection.
api({ send: (...words: unknown[]) => (parse = words[3] as Parse) } as never, undefined as never, () => {})

const begin = (): Decoding<unknown> => decodingOf(parse as Parse, 0, 1, 1, 17)

describe('an answer that is decoded while it arrives', () => {
  it('comes to the same however it is cut, and to the same as the whole', () => {
    fc.assert(
      fc.property(fc.array(tolds, { minLength: 1, maxLength: 3 }), fc.array(fc.integer({ min: 1, max: 100_000 })), (all, cuts) => {
        const heard: Outcome<unknown>[] = []
        const frames = all.map(encode)
        arrive(new Arrivals(answers(begin, heard)), Buffer.concat(frames), cuts)
        const found = heard.map(({ result }) => (result as { partitions: FetchedPartition[] }).partitions)
        assert.deepEqual(
          found.map((partitions) => partitions.map(told)),
          all,
        )
        const whole = frames.map((frame) => parse?.(1, 1, 17, Reader.from(frame.subarray(4))))
        assert.deepEqual(
          whole,
          heard.map(({ result }) => result),
        )
      }),
      { numRuns: 200 },
    )
  })

  it('fails alone where it makes no sense, and the one behind it is heard', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(fc.integer({ min: 1, max: 50 })), (nonsense, cuts) => {
        const heard: Outcome<unknown>[] = []
        const frame = Buffer.concat([Buffer.from([0, 0, 0, nonsense.length & 127]), nonsense.subarray(0, nonsense.length & 127)])
        const sound = encode([{ partition: 4, logEndOffset: 9, aborted: [], records: 'sound', diverging: undefined }])
        arrive(new Arrivals(answers(begin, heard)), Buffer.concat([frame, sound]), cuts)
        const last = heard.at(-1)?.result as { partitions: FetchedPartition[] } | undefined
        assert.deepEqual(
          last?.partitions.map(told).map(({ records }) => records),
          ['sound'],
        )
        assert.equal(heard.length, 2)
      }),
    )
  })

  it('is not believed where it says that it has more records than it has bytes', () => {
    const frame = encode([{ partition: 0, logEndOffset: 9, aborted: [], records: 'r'.repeat(200), diverging: undefined }])
    const cut = Buffer.concat([Buffer.from([0, 0, 0, 100]), frame.subarray(4, 104)])
    const heard: Outcome<unknown>[] = []
    arrive(new Arrivals(answers(begin, heard)), cut, [7])
    assert.match(String(heard[0]?.error), /the answer ends early/)
    assert.throws(() => parse?.(1, 1, 17, Reader.from(cut.subarray(4))), /the answer ends early/)
  })

  it('lands where it is to stay, and is copied only as far as it came with what was before it', () => {
    const records = Buffer.alloc(300_000, 'r')
    const arrivals = new Arrivals(
      (function* () {
        yield 4
        yield records
        yield 1
      })(),
    )
    arrivals.add(arrivals.room.fill('a', 0, 10).length && 10)
    assert.equal(arrivals.room.buffer, records.buffer)
    assert.equal(arrivals.room.length, records.length - 6)
    arrivals.add(arrivals.room.fill('b').length)
    assert.equal(records.toString('latin1', 0, 8), 'aaaaaabb')
    assert.notEqual(arrivals.room.buffer, records.buffer, 'and nothing is put there any more')
  })
})

describe('a parser that takes the whole answer', () => {
  it('gets it in one piece', () => {
    const whole: Parse = (_id, _key, _version, reader) => reader.buffer.buffer.toString('latin1')
    const heard: Outcome<unknown>[] = []
    const text = 'x'.repeat(200_000)
    const frame = Buffer.concat([Buffer.from([0, 3, 13, 64]), Buffer.from(text)])
    arrive(new Arrivals(answers(() => decodingOf(whole, text.length, 1, 1, 1), heard)), frame, [50_000, 3])
    assert.equal(heard[0]?.result, text)
  })
})
