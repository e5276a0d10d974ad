import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { byPartition, parseOffset, toOffset } from '../../src/core/position.ts'

test('parseOffset reads what stores hold', () => {
  assert.equal(parseOffset('0'), 0)
  assert.equal(parseOffset('1200'), 1200)
  assert.equal(parseOffset('9007199254740991'), Number.MAX_SAFE_INTEGER)
})

test('parseOffset refuses what is no offset, and never makes it 0', () => {
  for (const text of [
    '',
    ' ',
    '-1',
    '-5',
    '1.0',
    '1e3',
    '0x10',
    '12 ',
    ' 12',
    '12\n',
    'NaN',
    'Infinity',
    '٣',
    '9007199254740992',
    '9223372036854775807',
    'null',
    '1_000',
  ]) {
    assert.equal(parseOffset(text), undefined, JSON.stringify(text))
  }
})

test('parseOffset never gives anything but safe non-negative integers, and those it gives are what was written', () => {
  const texts = fc.oneof(fc.string(), fc.bigInt().map(String), fc.double().map(String), fc.maxSafeNat().map(String))
  fc.assert(
    fc.property(texts, (text) => {
      const offset = parseOffset(text)
      if (offset === undefined) return
      assert.ok(Number.isSafeInteger(offset) && offset >= 0)
      assert.equal(BigInt(offset), BigInt(text))
    }),
  )
})

test('parseOffset reads every offset that can be written', () => {
  fc.assert(fc.property(fc.maxSafeNat(), (offset) => assert.equal(parseOffset(String(offset)), offset)))
})

test('toOffset takes safe non-negative integers and refuses everything else with USAGE', () => {
  fc.assert(
    fc.property(fc.oneof(fc.double(), fc.bigInt(), fc.integer()), (value) => {
      const sound =
        typeof value === 'bigint' ? value >= 0n && value <= BigInt(Number.MAX_SAFE_INTEGER) : Number.isSafeInteger(value) && value >= 0
      if (sound) assert.equal(toOffset(value), Number(value))
      else assert.throws(() => toOffset(value), { code: 'USAGE' })
    }),
  )
})

test('byPartition sorts by topic, then by number', () => {
  const sorted = [
    { topic: 'b', partition: 0 },
    { topic: 'a', partition: 10 },
    { topic: 'a', partition: 9 },
  ].toSorted(byPartition)
  assert.deepEqual(sorted, [
    { topic: 'a', partition: 9 },
    { topic: 'a', partition: 10 },
    { topic: 'b', partition: 0 },
  ])
})
