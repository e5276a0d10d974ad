import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { parseOffsets, partitionsOf, storedIn, withOffsets } from '../../src/store/zookeeper/per-topic-string.ts'

/** Whatever a znode may hold: bytes, with the signs that mean something as often as others. */
const anyData = fc
  .array(
    fc.oneof(
      fc.constantFrom(...'0123456789:,- '.split('')),
      fc.nat(255).map((byte) => String.fromCharCode(byte)),
    ),
    { maxLength: 40 },
  )
  .map((characters) => Buffer.from(characters.join(''), 'latin1'))

const anyOffsets = fc
  .array(fc.tuple(fc.nat(12), fc.nat({ max: Number.MAX_SAFE_INTEGER })), { minLength: 1, maxLength: 4 })
  .map((pairs) => new Map(pairs))

describe('a string of offsets', () => {
  it('holds what was written into it, whatever it was before', () => {
    fc.assert(
      fc.property(anyData, anyOffsets, (data, offsets) => {
        const string = parseOffsets(withOffsets(data, offsets))
        for (const [partition, offset] of offsets)
          assert.deepEqual(storedIn(string, partition), { state: 'position', position: { offset } })
      }),
      { numRuns: 2_000 },
    )
  })

  it('keeps what it holds of every other partition, byte for byte', () => {
    fc.assert(
      fc.property(anyData, anyOffsets, (data, offsets) => {
        const others = (bytes: Buffer): string[] =>
          parseOffsets(bytes)
            .entries.filter(({ text, partition }) => text !== '' && (partition === undefined || !offsets.has(partition)))
            .map(({ text }) => text)
        assert.deepEqual(others(withOffsets(data, offsets)), others(data))
      }),
      { numRuns: 2_000 },
    )
  })

  it('is the same after the same was written twice', () => {
    fc.assert(
      fc.property(anyData, anyOffsets, (data, offsets) => {
        const once = withOffsets(data, offsets)
        assert.deepEqual(withOffsets(once, offsets), once)
      }),
    )
  })

  it('names every partition that it holds something of, and each one once', () => {
    fc.assert(
      fc.property(anyData, (data) => {
        const string = parseOffsets(data)
        const partitions = partitionsOf(string)
        assert.equal(new Set(partitions).size, partitions.length)
        for (const partition of partitions) assert.notEqual(storedIn(string, partition).state, 'absent')
      }),
    )
  })

  it('begins with what is written first', () => {
    assert.equal(withOffsets(undefined, new Map([[3, 7]])).toString(), '3:7')
    assert.equal(withOffsets(Buffer.alloc(0), new Map([[3, 7]])).toString(), '3:7')
  })
})
