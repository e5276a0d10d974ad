import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { KnownTimes } from '../../src/kafka/known-times.ts'

const stop = { topic: 'orders', partition: 3, topicId: 't1', leaderEpoch: 5 }
const placed = [{ offset: 150, logStartOffset: 100, logEndOffset: 200 }]
const samples = [
  { asked: 0, offset: 100, recordTime: 1 },
  { asked: 5, offset: 140, recordTime: 7 },
  { asked: 9, offset: null, recordTime: null },
]

describe('times that are remembered', () => {
  it('are those on either side of an offset', () => {
    const known = new KnownTimes()
    assert.deepEqual(known.of({ stop, placed }), [])
    known.keep([{ stop, placed, samples }])
    assert.deepEqual(known.of({ stop, placed }), [samples[1], { asked: 9, offset: 200, recordTime: null }])
  })

  it('hold neither for a topic that was made anew, nor under another leader, nor for records that are gone', () => {
    const known = new KnownTimes()
    known.keep([{ stop, placed, samples }])
    assert.deepEqual(known.of({ stop: { ...stop, topicId: 't2' }, placed }), [])
    assert.deepEqual(known.of({ stop: { ...stop, leaderEpoch: 6 }, placed }), [])
    const later = [{ offset: 190, logStartOffset: 141, logEndOffset: 200 }]
    assert.deepEqual(known.of({ stop, placed: later }), [{ asked: 9, offset: 200, recordTime: null }])
  })

  it('are forgotten with what nobody asks about any more', () => {
    const known = new KnownTimes()
    known.keep([{ stop, placed, samples }])
    known.keep([])
    assert.deepEqual(known.of({ stop, placed }), [])
  })
})
