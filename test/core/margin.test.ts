import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { isBelow, marginOf, RATE_WINDOWS_MS, spanText, unknownMargin } from '../../src/core/margin.ts'
import type { Margin, RetentionFacts, RetentionSettings } from '../../src/core/margin.ts'
import { tellingSamples } from '../../src/core/oldest.ts'
import { place } from './build.ts'
import { BrokerLog } from './broker-log.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const now = 1_700_000_000_000
const kept: RetentionSettings = { cleanupPolicy: ['delete'], retentionMs: 7 * day, retentionBytes: -1, isTiered: false }

const question = { ...place, offset: 150, logStartOffset: 100, logEndOffset: 200 }
/** The record at the offset is so old. */
const aged = (ageMs: number): RetentionFacts['samples'] => [
  { asked: 0, offset: 100, recordTime: now - ageMs - hour },
  { asked: now - ageMs, offset: 150, recordTime: now - ageMs },
]

function marginAt(facts: Partial<RetentionFacts> = {}, settings: Partial<RetentionSettings> = {}, asked = question): Margin {
  return marginOf(asked, { settings: { ...kept, ...settings }, samples: aged(6 * day + 20 * hour + 50 * minute), ...facts }, now)
}

describe('the margin to retention by time', () => {
  it('is what the oldest unread record has left of retention.ms', () => {
    const margin = marginAt()
    assert.deepEqual([margin.notBeforeMs, margin.byTimeMs, margin.bySizeMs], [3 * hour + 10 * minute, 3 * hour + 10 * minute, 'never'])
    const age = 6 * day + 20 * hour + 50 * minute
    assert.deepEqual([margin.oldestUnreadAt, margin.ageMs], [now - age, age])
    assert.deepEqual(margin.evidence, ['retention.ms 7 d', 'the oldest unread record is 6 d 20 h 50 min old'])
  })

  it('is nothing where retention is overdue, and more where the record is of the future', () => {
    assert.equal(marginAt({ samples: aged(8 * day) }).notBeforeMs, 0)
    assert.equal(marginAt({ samples: aged(-day) }).notBeforeMs, 8 * day)
    assert.equal(marginAt({ samples: aged(-day) }).ageMs, 0)
  })

  it('rests on the latest record up to the offset, not on the record at it', () => {
    const samples = [...aged(6 * day), { asked: now - day, offset: 120, recordTime: now - day }]
    assert.equal(marginAt({ samples }).notBeforeMs, 6 * day)
  })

  it('says so where the oldest unread record was looked at, and is older; and where it could not be', () => {
    const samples = aged(6 * day)
    const older = marginAt({ samples, oldestRead: now - 8 * day })
    assert.deepEqual([older.notBeforeMs, older.ageMs], [day, 8 * day])
    assert.deepEqual(older.evidence, [
      'retention.ms 7 d',
      'a record before the oldest unread one is later, 6 d old, and holds it',
      'the oldest unread record is 8 d old',
    ])
    const near = [{ asked: 0, offset: 149, recordTime: now - 6 * day }]
    const refused = marginAt({ samples: near, oldestRead: { unknown: 'it needs READ' } })
    assert.deepEqual([refused.notBeforeMs, refused.ageMs], [day, 6 * day])
    assert.match(refused.evidence.join('; '), /the oldest unread record is about 6 d old, by the times of others: it needs READ/)
    const same = marginAt({ samples: near, oldestRead: now - 6 * day })
    assert.deepEqual(same.evidence, ['retention.ms 7 d', 'the oldest unread record is 6 d old'])
  })

  it('rests on the first record that is left, where compaction removed all up to the offset', () => {
    const samples = [{ asked: 0, offset: 170, recordTime: now - 2 * day }]
    const margin = marginAt({ samples }, { cleanupPolicy: ['compact', 'delete'] })
    assert.equal(margin.notBeforeMs, 5 * day)
    assert.match(margin.evidence.join(), /compaction may remove the records that this rests on/)
  })

  it('is not claimed for records without a time', () => {
    const margin = marginAt({ samples: [{ asked: 0, offset: null, recordTime: null }] })
    assert.deepEqual([margin.notBeforeMs, margin.oldestUnreadAt, margin.ageMs], [0, null, null])
  })

  it('never ends where nothing is removed, or nothing is unread', () => {
    for (const settings of [{ retentionMs: -1 }, { cleanupPolicy: ['compact'] }, { cleanupPolicy: [] }]) {
      const margin = marginAt({}, settings)
      assert.equal(margin.notBeforeMs, 'never')
      assert.ok(margin.ageMs !== null && margin.ageMs > 0)
    }
    const caughtUp = marginAt({}, {}, { ...question, offset: 200 })
    assert.deepEqual([caughtUp.notBeforeMs, caughtUp.oldestUnreadAt, caughtUp.evidence], ['never', null, ['nothing is unread']])
  })
})

describe('the margin to retention by size', () => {
  // 100 records of 10 bytes, in two hours.
  const samples = [
    { asked: 0, offset: 100, recordTime: now - 2 * hour },
    { asked: now - RATE_WINDOWS_MS[1], offset: 150, recordTime: now - RATE_WINDOWS_MS[1] },
    { asked: now - RATE_WINDOWS_MS[0], offset: 190, recordTime: now - RATE_WINDOWS_MS[0] },
  ]
  const facts = { samples, size: 1_000 }

  it('is what has to be written until as much as retention.bytes follows, at the highest of the rates', () => {
    const margin = marginAt(facts, { retentionBytes: 1_100 })
    assert.equal(margin.bySizeMs, 1 * hour, '60 records at 10 in 10 minutes')
    assert.equal(margin.notBeforeMs, hour)
    assert.match(margin.evidence.join(), /retention.bytes 1100; about 500 bytes from the offset on, growing by 600 bytes an hour/)
  })

  it('is nothing where as much follows already', () => {
    assert.equal(marginAt(facts, { retentionBytes: 500 }).notBeforeMs, 0)
  })

  it('never ends where nothing is written', () => {
    const still = marginAt({ samples: [], size: 1_000 }, { retentionMs: -1, retentionBytes: 1_100 })
    assert.equal(still.notBeforeMs, 'never')
  })

  it('is not known without sizes, and neither is the whole, but for what time alone makes certain', () => {
    const refused = marginAt({ size: { unknown: 'DESCRIBE on the cluster is refused' } }, { retentionBytes: 1_100 })
    assert.deepEqual([refused.notBeforeMs, refused.bySizeMs, refused.byTimeMs], [null, null, 3 * hour + 10 * minute])
    assert.match(refused.evidence.join(), /the size of the log is not known: DESCRIBE on the cluster is refused/)
    assert.deepEqual([isBelow(refused, 6 * hour), isBelow(refused, hour)], [true, false])
    assert.equal(marginAt({ samples: aged(8 * day), size: { unknown: 'x' } }, { retentionBytes: 1 }).notBeforeMs, 0)
  })

  it('counts what is on the leader’s disk, where older records are in remote storage', () => {
    const tiered = marginAt({ ...facts, size: 300, localStartOffset: 170 }, { retentionBytes: 1_100, isTiered: true })
    assert.equal(tiered.bySizeMs, 1 * hour)
    assert.match(tiered.evidence.join(), /the records from the offset to 169 are in remote storage alone \(local log start 170\)/)
    const local = marginAt({ ...facts, localStartOffset: 120 }, { isTiered: true })
    assert.match(local.evidence.join(), /tiered: local log start 120/)
    assert.equal(marginAt({ ...facts, localStartOffset: 200 }, { retentionBytes: 1_100, isTiered: true }).bySizeMs, null)
  })
})

describe('a margin', () => {
  it('is not known where the settings are refused; the age is', () => {
    const margin = marginOf(question, { settings: { unknown: 'DESCRIBE_CONFIGS refused' }, samples: aged(hour) }, now)
    assert.deepEqual([margin.notBeforeMs, margin.byTimeMs, margin.bySizeMs, margin.ageMs], [null, null, null, hour])
    assert.match(margin.evidence.join('; '), /^retention not known: DESCRIBE_CONFIGS refused; the oldest/)
    assert.equal(isBelow(margin, Number.MAX_SAFE_INTEGER), false)
  })

  it('is not known where the leader is away', () => {
    const margin = unknownMargin(question, 'NO_LEADER: nobody leads it')
    assert.deepEqual([margin.notBeforeMs, margin.ageMs, margin.evidence], [null, null, ['retention not known: NO_LEADER: nobody leads it']])
  })

  it('is said in words that are never more than it is', () => {
    const texts = [0, 999, 1_000, 59_999, 3 * hour + 10 * minute + 59_999, 6 * day + 20 * hour + 50 * minute, 7 * day, 400 * day + minute]
    assert.deepEqual(texts.map(spanText), ['0 ms', '999 ms', '1 s', '59 s', '3 h 10 min', '6 d 20 h 50 min', '7 d', '400 d 1 min'])
    assert.equal(spanText(-minute), '-1 min')
  })
})

describe('the bounds hold', () => {
  const segments = (time: fc.Arbitrary<number>) => fc.array(fc.array(time, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 8 })
  const settings = { ...kept, retentionMs: day }

  it('by time: whatever times the records claim, a broker that cleans until then has not passed the offset', () => {
    const time = fc.oneof(fc.integer({ min: now - 3 * day, max: now }), fc.integer({ min: -1, max: now + day }))
    fc.assert(
      fc.property(segments(time), fc.nat(), fc.nat(24), (made, at, rounds) => {
        const log = new BrokerLog(made)
        log.cleanByTime(day, now)
        if (log.end === log.start) return
        const offset = log.start + (at % (log.end - log.start))
        const samples = log.search(offset, now, day, rounds)
        const margin = marginOf({ ...place, offset, logStartOffset: log.start, logEndOffset: log.end }, { settings, samples }, now)
        assert.ok(typeof margin.notBeforeMs === 'number')
        if (margin.notBeforeMs === 0) return
        log.cleanByTime(day, now + margin.notBeforeMs)
        assert.ok(log.start <= offset, `${log.start} is beyond ${offset}`)
      }),
      { numRuns: 5_000 },
    )
  })

  it('by time: also by what is remembered of an earlier look, while offset and log went on', () => {
    const time = fc.integer({ min: now - 3 * day, max: now + day })
    const gen = fc.record({
      made: segments(time),
      more: segments(time),
      at: fc.nat(),
      next: fc.nat(),
      later: fc.nat(2 * day),
      retained: fc.nat(20),
    })
    fc.assert(
      fc.property(gen, ({ made, more, at, next, later, retained }) => {
        const log = new BrokerLog(made)
        const placedAt = (share: number) => {
          const offset = log.start + (share % (log.end - log.start))
          return { ...place, offset, logStartOffset: log.start, logEndOffset: log.end }
        }
        const first = placedAt(at)
        const samples = tellingSamples(log.search(first.offset, now, day, retained), [first])
        for (const times of more) log.append(times)
        log.cleanByTime(day, now + later)
        if (log.end === log.start) return
        const second = placedAt(next)
        const known = samples.filter(({ offset }) => offset !== null && offset >= log.start)
        const found = log.search(second.offset, now + later, day, 24, known)
        const { notBeforeMs } = marginOf(second, { settings, samples: found }, now + later)
        assert.ok(typeof notBeforeMs === 'number')
        if (notBeforeMs === 0) return
        log.cleanByTime(day, now + later + notBeforeMs)
        assert.ok(log.start <= second.offset, `${log.start} is beyond ${second.offset}`)
      }),
      { numRuns: 5_000 },
    )
  })

  it('by time: they are tight where times are in order and each segment is one record', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: now - day, max: now }), { minLength: 2, maxLength: 20 }), fc.nat(), (times, at) => {
        const log = new BrokerLog(times.toSorted((a, b) => a - b).map((time) => [time]))
        const offset = at % log.end
        const question = { ...place, offset, logStartOffset: 0, logEndOffset: log.end }
        const { notBeforeMs } = marginOf(question, { settings, samples: log.search(offset, now, day) }, now)
        assert.ok(typeof notBeforeMs === 'number')
        log.cleanByTime(day, now + notBeforeMs + Math.max(1_001, day / 100))
        assert.ok(log.start > offset)
      }),
    )
  })

  it('by size: a log that grows at the present rate until then has not passed the offset', () => {
    const counts = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(counts, fc.nat(), fc.integer({ min: 1, max: 50 }), fc.nat(3_000), (sizes, at, recordBytes, retentionBytes) => {
        const total = sizes.reduce((sum, count) => sum + count, 0)
        const log = new BrokerLog(
          sizes.map((count) => Array.from({ length: count }, () => now - hour)),
          { recordBytes },
        )
        log.cleanBySize(retentionBytes)
        const offset = log.start + (at % Math.max(1, log.end - log.start))
        const samples = [log.at(0)]
        const question = { ...place, offset, logStartOffset: log.start, logEndOffset: log.end }
        const facts = { settings: { ...settings, retentionMs: -1, retentionBytes }, samples, size: log.size }
        const { notBeforeMs } = marginOf(question, facts, now)
        if (typeof notBeforeMs !== 'number' || notBeforeMs === 0) return
        const perMs = (log.end - log.start) / hour
        log.append(Array.from({ length: Math.floor(perMs * notBeforeMs) }, () => now))
        log.cleanBySize(retentionBytes)
        assert.ok(log.start <= offset, `${log.start} is beyond ${offset} of ${total}`)
      }),
      { numRuns: 2_000 },
    )
  })
})
