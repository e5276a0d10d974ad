import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { adoptable, entryToAdopt } from '../../src/core/adopt.ts'
import { planRepair } from '../../src/core/plan.ts'
import { toPolicy } from '../../src/core/policy.ts'
import { judge } from '../../src/core/verdict.ts'
import { afterMove, context, findingOf, logOf, storing } from './build.ts'
import { anySituation } from './generate.ts'

const bare = storing({ offset: 150, commitTime: 7 }, { planned: { fromOffset: 150, untilOffset: 160 }, ownerEpoch: 4 })

function adopted(custody = bare, facts = logOf(), epoch: number | undefined = 3) {
  const finding = findingOf(custody, facts)
  const [entry] = planRepair([finding], toPolicy(), context).entries
  assert.ok(entry)
  return entryToAdopt(entry, finding, epoch, context)
}

test('adoption keeps the offset, its time and what is planned, and puts the identity beside it, marked', () => {
  const entry = adopted()
  assert.deepEqual([entry.outcome, entry.action, entry.note], ['adopt', 'adopt', undefined])
  assert.deepEqual(entry.move?.position, {
    offset: 150,
    commitTime: 7,
    topicId: 't1',
    clusterId: 'c1',
    leaderEpoch: 3,
    assumedSince: context.now,
  })
  const { planned, skipped, reread, ownerEpoch, expected, ledger } = entry.move ?? {}
  assert.deepEqual([planned, skipped, reread, ownerEpoch, expected], [{ fromOffset: 150, untilOffset: 160 }, 0, 0, 4, 'r1'])
  assert.deepEqual([ledger?.action, ledger?.from, ledger?.to, ledger?.verdict], ['adopt', 150, 150, 'valid'])
  assert.match(ledger?.evidence[0] ?? '', /topic ID t1 and the leader epoch 3 are assumed from now on/)
})

test('adoption without a known epoch says so', () => {
  const finding = findingOf(storing({ offset: 100 }), logOf())
  const [entry] = planRepair([finding], toPolicy(), context).entries
  assert.match((entry && entryToAdopt(entry, finding, undefined, context).note) ?? '', /no record below the offset is left/)
})

test('after an adoption a topic made anew is recreated, and the evidence says that the identity was assumed', () => {
  const position = adopted().move?.position
  assert.ok(position)
  const { verdict, evidence } = judge(storing(position), logOf({ topicId: 't2' }))
  assert.equal(verdict, 'recreated')
  assert.match(evidence.join('; '), /t1, and the topic's is t2.*assumed since 2023-11-14T22:13:20\.000Z/)
})

test('after an adoption a log that was cut is truncated', () => {
  const position = adopted().move?.position
  assert.ok(position)
  assert.equal(judge(storing(position), logOf({ epochEnds: [{ asked: 3, epoch: 3, endOffset: 130 }] })).verdict, 'truncated')
})

test('nothing but a valid number without identity is adopted, and none is moved by it', () => {
  fc.assert(
    fc.property(anySituation, ({ custody, facts }) => {
      const finding = findingOf(custody, facts)
      const [entry] = planRepair([finding], toPolicy(), context).entries
      assert.ok(entry)
      const after = entryToAdopt(entry, finding, 2, context)
      if (adoptable(finding) === undefined) return assert.equal(after, entry)
      assert.equal(finding.verdict.verdict, 'valid')
      assert.equal(after.move?.to, entry.from)
      const again = findingOf(afterMove(custody, after.move?.position ?? { offset: -1 }), facts)
      assert.equal(adoptable(again), undefined, 'adopting twice is adopting once')
    }),
    { numRuns: 2_000 },
  )
})

test('what its store lets nobody move is not adopted', () => {
  const immovable = { code: 'CHECKPOINT_STATEFUL', reason: 'the query keeps state', hint: 'Leave it' } as const
  const entry = adopted(storing({ offset: 150 }, { immovable }))
  assert.deepEqual([entry.outcome, entry.note, entry.move], ['fail', 'the query keeps state', undefined])
})
