import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Custody } from '../../src/core/custody.ts'
import type { Facts } from '../../src/core/facts.ts'
import type { PlanEntry } from '../../src/core/plan.ts'
import { planReset } from '../../src/core/reset.ts'
import type { ResetTarget } from '../../src/core/reset.ts'
import { away, context, custodyOf, ends, findingOf, gone, logOf, storing } from './build.ts'

const unlimited = { maxSkip: Infinity, maxReread: Infinity }
const valid = storing({
  offset: 150,
  topicId: 't1',
  leaderEpoch: 5,
  epochs: [
    { epoch: 4, startOffset: 100 },
    { epoch: 5, startOffset: 140 },
  ],
})
const log = logOf({ epochEnds: [ends(5, 5, 200)] })

function entry(target: ResetTarget, custody: Custody = valid, facts: Facts = log, offsetAtTime?: number | null): PlanEntry {
  return planReset([findingOf(custody, facts, offsetAtTime)], target, unlimited, context).entries[0] as PlanEntry
}

const moves: ReadonlyArray<
  readonly [target: ResetTarget, to: number, skipped: number, reread: number, note?: RegExp | undefined, offsetAtTime?: number | null]
> = [
  [{ kind: 'to-earliest' }, 100, 0, 50],
  [{ kind: 'to-latest' }, 200, 50, 0],
  [{ kind: 'to-offset', offset: 120 }, 120, 0, 30],
  [{ kind: 'to-offset', offset: 7 }, 100, 0, 50, /7 is below the log start: earliest/],
  [{ kind: 'to-offset', offset: 700 }, 200, 50, 0, /700 is beyond the log end: latest/],
  [{ kind: 'shift-by', records: -10 }, 140, 0, 10],
  [{ kind: 'shift-by', records: 10 }, 160, 10, 0],
  [{ kind: 'shift-by', records: -1000 }, 100, 0, 50, /below the log start/],
  [{ kind: 'to-datetime', timestamp: 1 }, 170, 20, 0, undefined, 170],
  [{ kind: 'by-duration', timestamp: 1 }, 110, 0, 40, undefined, 110],
  [{ kind: 'to-datetime', timestamp: 1 }, 200, 50, 0, /no record is that new: latest/, null],
]
for (const [target, to, skipped, reread, note, offsetAtTime] of moves) {
  test(`${JSON.stringify(target)} moves to ${to}`, () => {
    const planned = entry(target, valid, log, offsetAtTime)
    assert.deepEqual([planned.outcome, planned.move?.to, planned.move?.skipped, planned.move?.reread], ['move', to, skipped, reread])
    if (note === undefined) assert.equal(planned.note, undefined)
    else assert.match(planned.note ?? '', note)
    assert.equal(planned.move?.ledger.action, target.kind)
  })
}

test('a time that could not be had is refused', () => {
  assert.equal(entry({ kind: 'to-datetime', timestamp: 1 }).outcome, 'fail')
})

test('where nothing is stored there is nothing to shift, but a place to start', () => {
  const absent = custodyOf({ state: 'absent' })
  assert.equal(entry({ kind: 'shift-by', records: 1 }, absent).outcome, 'fail')
  assert.equal(entry({ kind: 'to-latest' }, absent).move?.to, 200)
})

test('an offset that is there already is not moved', () => {
  const planned = entry({ kind: 'to-offset', offset: 150 })
  assert.deepEqual([planned.outcome, planned.move, planned.note], ['none', undefined, 'already there'])
})

test('a recreated topic is moved even to the same number: its identity changes', () => {
  assert.equal(entry({ kind: 'to-offset', offset: 150 }, storing({ offset: 150, topicId: 't0' })).outcome, 'move')
})

test('going back in the same log keeps the epochs read below', () => {
  assert.deepEqual(entry({ kind: 'to-offset', offset: 120 }).move?.position.epochs, [{ epoch: 4, startOffset: 100 }])
  assert.equal(entry({ kind: 'to-offset', offset: 120 }).move?.position.leaderEpoch, 4)
  assert.equal(entry({ kind: 'to-latest' }).move?.position.epochs, undefined, 'what lies ahead was not read')
})

test('unknown and foreign never lead to a move, nor does a partition that is gone', () => {
  assert.equal(entry({ kind: 'to-earliest' }, valid, away()).outcome, 'wait')
  assert.equal(entry({ kind: 'to-earliest' }, storing({ offset: 1, clusterId: 'c2' })).outcome, 'fail')
  assert.equal(entry({ kind: 'to-earliest' }, valid, gone()).outcome, 'fail')
})
