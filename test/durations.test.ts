import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { parseDateTime, printDateTime } from '../src/cli/datetimes.ts'
import { parseDuration, printDuration } from '../src/durations.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

for (const [text, ms] of [
  ['500ms', 500],
  ['1s', SECOND],
  ['5m', 5 * MINUTE],
  ['1.5h', 90 * MINUTE],
  ['1h30m', 90 * MINUTE],
  ['2d', 2 * DAY],
  ['5M', 5 * MINUTE],
  ['PT5M', 5 * MINUTE],
  ['P1DT2H', 26 * HOUR],
  ['P1D', DAY],
  ['PT1.5S', 1_500],
  ['pt1h', HOUR],
  ['PT90M', 90 * MINUTE],
  ['PT0S', 0],
] as const) {
  test(`the duration ${text} is ${ms} ms`, () => assert.equal(parseDuration(text), ms))
}

for (const text of [
  '',
  '5',
  '5 m',
  '-5m',
  'm',
  '5w',
  'P',
  'PT',
  'P1DT',
  'P1M',
  'P1Y',
  'P1W',
  '-PT5M',
  'PT-5M',
  'P1H',
  '1h 30m',
  'five',
  '9999999999999d',
]) {
  test(`${JSON.stringify(text)} is no duration`, () => assert.equal(parseDuration(text), undefined))
}

test('both forms of any duration mean the same', () => {
  const small = fc.nat(50)
  fc.assert(
    fc.property(small, small, small, small, (d, h, m, s) => {
      const ms = d * DAY + h * HOUR + m * MINUTE + s * SECOND
      assert.equal(parseDuration(`${d}d${h}h${m}m${s}s`), ms)
      assert.equal(parseDuration(`P${d}DT${h}H${m}M${s}S`), ms)
    }),
  )
})

// What Kafka 4.1.1's own Utils.getDateTime makes of the same text, where it takes it.
for (const [text, ms] of [
  ['2024-02-29T10:20:30.123', 1709202030123],
  ['2024-02-29T10:20:30.123Z', 1709202030123],
  ['2024-02-29T10:20:30.123+02', 1709194830123],
  ['2024-02-29T10:20:30.123+02:30', 1709193030123],
  ['2024-02-29T10:20:30.123-05:00', 1709220030123],
  ['2024-02-29T10:20:30', 1709202030000],
] as const) {
  test(`the time ${text} is ${ms}`, () => assert.equal(parseDateTime(text), ms))
}

for (const text of [
  '2024-02-29',
  '2024-02-29 10:20:30',
  '2023-02-29T10:20:30.123',
  '2024-13-01T00:00:00.000',
  '2024-02-29T24:00:00.000',
  '2024-02-29T10:60:00.000',
  '2024-02-29T10:20:30.5',
  '2024-02-29T10:20:30.123456',
  '2024-02-29T10:20:30.123+0230',
  '2024-02-29T10:20:30.123+99:00',
  '1709202030123',
  'yesterday',
  '',
]) {
  test(`${JSON.stringify(text)} is no time`, () => assert.equal(parseDateTime(text), undefined))
}

test('a time that was printed is read as what it was', () => {
  fc.assert(
    fc.property(fc.date({ min: new Date(0), max: new Date('9999-01-01'), noInvalidDate: true }), (date) =>
      assert.equal(parseDateTime(printDateTime(date.getTime())), date.getTime()),
    ),
  )
})

test('a time that no date can hold is printed as its number', () => assert.equal(printDateTime(1e17), '100000000000000000'))

for (const [ms, text] of [
  [0, '0s'],
  [250, '250ms'],
  [61_500, '1m1s'],
  [3 * HOUR + 10 * MINUTE + 59 * SECOND, '3h10m'],
  [6 * DAY + 20 * HOUR + 50 * MINUTE, '6d20h50m'],
  [7 * DAY + MINUTE, '7d1m'],
] as const) {
  test(`${ms} ms are printed as ${text}`, () => assert.equal(printDuration(ms), text))
}

test('a duration that was printed is read as no more than it was', () => {
  fc.assert(
    fc.property(fc.nat(400 * DAY), (ms) => {
      const read = parseDuration(printDuration(ms)) ?? -1
      assert.ok(read <= ms && read >= 0 && ms - read <= Math.max(SECOND, ms / 20))
    }),
  )
})
