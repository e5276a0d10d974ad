import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { latestUpTo, nextTime, tellingSamples } from '../../src/core/oldest.ts'
import { BrokerLog } from './broker-log.ts'

const day = 86_400_000
const now = 1_700_000_000_000

/** A record each `stepMs`, the last one now. */
function evenly(records: number, stepMs: number): BrokerLog {
  return new BrokerLog([Array.from({ length: records }, (_, index) => now - (records - 1 - index) * stepMs)])
}

describe('the search for the time of the oldest unread record', () => {
  it('takes two questions where records came evenly', () => {
    const log = evenly(10_000, 60_000)
    for (const offset of [1, 17, 5_000, 9_990]) {
      const samples = log.search(offset, now)
      assert.ok(samples.length <= 3, `${samples.length} for ${offset}`)
      assert.equal(latestUpTo(samples, offset)?.recordTime, now - (9_999 - offset) * 60_000)
    }
  })

  it('takes no more than fourteen where they came in bursts, and is then as exact as it says', () => {
    const bursts = Array.from({ length: 4_000 }, (_, index) => now - 30 * day + (index < 3_900 ? index : 20 * day + index * 60_000))
    const log = new BrokerLog([bursts])
    for (const offset of [0, 1, 3_899, 3_900, 3_901, 3_950, 3_999]) {
      const samples = log.search(offset, now)
      const found = latestUpTo(samples, offset)?.recordTime ?? 0
      const made = bursts[offset] as number
      assert.ok(samples.length <= 14, `${samples.length} for ${offset}`)
      assert.ok(found <= made && made - found <= Math.max(1_000, (now - found) / 100), `${made - found} ms for ${offset}`)
    }
  })

  it('is finer the closer retention is', () => {
    const times = Array.from({ length: 1_000 }, (_, index) => now - 7 * day + index ** 2 * 600)
    const found = latestUpTo(new BrokerLog([times]).search(200, now, 7 * day), 200)?.recordTime ?? 0
    const left = (times[200] as number) - (now - 7 * day)
    assert.ok((times[200] as number) - found <= Math.max(left / 100, (7 * day) / 10_000))
  })

  it('ends at once where nothing up to the offset has a time, or the future has', () => {
    assert.equal(new BrokerLog([[-1, -1, -1]]).search(1, now).length, 1)
    assert.equal(new BrokerLog([[now + day, now, now]]).search(1, now).length, 1)
    assert.equal(new BrokerLog([[]], { baseOffset: 9 }).search(9, now).length, 1)
  })

  it('asks nothing again of an offset that stays, and little of one that moves, by what is remembered', () => {
    const times = Array.from({ length: 3_000 }, (_, index) => now - 6 * day + index ** 2 * 50)
    const log = new BrokerLog([times])
    const placed = (offset: number) => ({ offset, logStartOffset: 0, logEndOffset: log.end })
    const remembered = tellingSamples(log.search(1_000, now), [placed(1_000)])
    assert.ok(remembered.length <= 2)
    log.append([now + 500, now + 700])
    assert.deepEqual(log.search(1_000, now + 1_000, undefined, 24, remembered), remembered)
    const moved = log.search(1_010, now + 1_000, undefined, 24, remembered)
    assert.ok(moved.length - remembered.length <= 4, `${moved.length} questions`)
    const found = latestUpTo(moved, 1_010)?.recordTime ?? 0
    assert.ok(found <= (times[1_010] as number) && (times[1_010] as number) - found <= (now - found) / 100)
  })

  it('asks again where what is remembered had no times', () => {
    const log = new BrokerLog([[-1, -1, -1]])
    const remembered = tellingSamples(log.search(1, now), [{ offset: 1, logStartOffset: 0, logEndOffset: 3 }])
    log.append([now, now])
    assert.deepEqual(log.search(2, now, undefined, 24, remembered), remembered)
    assert.equal(latestUpTo(log.search(3, now, undefined, 24, remembered), 3)?.recordTime, now)
  })

  it('always ends, asks for nothing twice, and names only records that are there', () => {
    const times = fc.array(fc.oneof(fc.integer({ min: -1, max: 60 }), fc.integer({ min: now - 30 * day, max: now + day })), {
      minLength: 1,
    })
    fc.assert(
      fc.property(times, fc.nat(), fc.option(fc.nat(30 * day), { nil: undefined }), (made, at, retentionMs) => {
        const offset = at % made.length
        const log = new BrokerLog([made])
        const samples = log.search(offset, now, retentionMs, 100)
        assert.ok(samples.length <= 30, `${samples.length} questions`)
        assert.equal(new Set(samples.map(({ asked }) => asked)).size, samples.length)
        assert.equal(nextTime(samples, { offset, logStartOffset: 0, logEndOffset: made.length }, now, 100, retentionMs), undefined)
        const latest = latestUpTo(samples, offset)
        if (latest !== undefined) assert.ok(latest.offset <= offset && made[latest.offset] === latest.recordTime)
      }),
      { numRuns: 2_000 },
    )
  })
})
