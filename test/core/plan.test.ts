import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Custody } from '../../src/core/custody.ts'
import type { Facts } from '../../src/core/facts.ts'
import { planRepair } from '../../src/core/plan.ts'
import type { PlanEntry } from '../../src/core/plan.ts'
import { toPolicy } from '../../src/core/policy.ts'
import { judge } from '../../src/core/verdict.ts'
import { away, context, custodyOf, ends, findingOf, gone, logOf, storing } from './build.ts'

const corrupt = custodyOf({ state: 'corrupt', raw: 'x', reason: 'text' })
const absent = custodyOf({ state: 'absent' })
const lost = custodyOf({ state: 'absent' }, { trace: 'ledger' })
const expired = storing({ offset: 40 })
const ahead = storing({ offset: 260 })
const recreated = storing({ offset: 150, topicId: 't0', recordTime: 1_000 })
const cut = storing({
  offset: 180,
  topicId: 't1',
  leaderEpoch: 4,
  epochs: [
    { epoch: 3, startOffset: 90 },
    { epoch: 4, startOffset: 120 },
  ],
})
const exact = logOf({ epochEnds: [ends(4, 4, 150)] })
const bounded = logOf({ epochEnds: [ends(4, 2, 150), ends(3, 2, 150)] })

function entry(custody: Custody, facts: Facts, policy = '', offsetAtTime?: number | null): PlanEntry {
  const plan = planRepair([findingOf(custody, facts, offsetAtTime)], policy === '' ? toPolicy() : toPolicy(policy), context)
  return plan.entries[0] as PlanEntry
}

/** What a move costs: [to, skipped, reread]. */
function cost({ move }: PlanEntry): unknown[] {
  return [move?.to, move?.skipped, move?.reread]
}

const outcomes: ReadonlyArray<readonly [name: string, custody: Custody, facts: Facts, policy: string, outcome: PlanEntry['outcome']]> = [
  ['corrupt is refused', corrupt, logOf(), '', 'fail'],
  ['corrupt is kept if one says so', corrupt, logOf(), 'corrupt=keep', 'keep'],
  ['corrupt waits while the cluster is away', corrupt, away(), 'corrupt=earliest', 'wait'],
  ['foreign is refused', storing({ offset: 150, clusterId: 'c2' }), logOf(), 'latest', 'fail'],
  ['unknown waits', expired, away(), 'latest', 'wait'],
  ['orphaned is kept', expired, gone(), '', 'keep'],
  ['orphaned is refused if one says so', expired, gone(), 'orphaned=fail', 'fail'],
  ['a corrupt value of a topic that is gone has nowhere to move', corrupt, gone(), 'corrupt=earliest', 'fail'],
  ['lost is refused', lost, logOf(), '', 'fail'],
  ['valid is left alone', storing({ offset: 150 }), logOf(), 'latest', 'none'],
  ['expired is refused if one says so', expired, logOf(), 'expired=fail', 'fail'],
  ['ahead is kept if one says so', ahead, logOf(), 'keep', 'keep'],
  ['time without a stored time is refused', expired, logOf(), 'expired=time', 'fail'],
]
for (const [name, custody, facts, policy, outcome] of outcomes) {
  test(name, () => {
    const planned = entry(custody, facts, policy)
    assert.equal(planned.outcome, outcome)
    assert.equal(planned.move, undefined)
  })
}

const moves: ReadonlyArray<
  readonly [name: string, custody: Custody, facts: Facts, policy: string, cost: unknown[], offsetAtTime?: number | null]
> = [
  ['missing starts at the earliest', absent, logOf(), '', [100, 0, 0]],
  ['missing=latest skips the whole log', absent, logOf(), 'missing=latest', [200, 100, 0]],
  ['expired goes to the earliest; what was removed is skipped', expired, logOf(), '', [100, 60, 0]],
  ['expired=latest skips the log too', expired, logOf(), 'latest', [200, 160, 0]],
  ['expired=nearest is the earliest', expired, logOf(), 'nearest', [100, 60, 0]],
  ['expired=time goes to the record at that time', expired, logOf(), 'time', [130, 90, 0], 130],
  ['expired=time stays within the log', expired, logOf(), 'time', [100, 60, 0], 20],
  ['expired=time beyond the newest record goes to the end', expired, logOf(), 'time', [200, 160, 0], null],
  ['ahead goes to the earliest and may read everything again', ahead, logOf(), '', [100, 0, 100]],
  ['ahead=latest may skip what was never read', ahead, logOf(), 'latest', [200, 100, 0]],
  ['ahead=nearest is the latest', ahead, logOf(), 'nearest', [200, 100, 0]],
  ['corrupt=earliest may read everything again', corrupt, logOf(), 'corrupt=earliest', [100, 0, 100]],
  ['corrupt=latest may skip everything', corrupt, logOf(), 'corrupt=latest', [200, 100, 0]],
  ['lost=earliest may read everything again', lost, logOf(), 'lost=earliest', [100, 0, 100]],
  ['recreated starts the new topic; nobody knows what was lost of the old one', recreated, logOf(), '', [100, null, 0]],
  ['truncated goes to the proven point and reads nothing twice', cut, exact, '', [150, 0, 0]],
  ['truncated=earliest reads again up to that point', cut, exact, 'truncated=earliest', [100, 0, 50]],
  ['truncated=latest skips what the new leader wrote', cut, exact, 'truncated=latest', [200, 50, 0]],
  ['truncated=nearest is the point', cut, exact, 'truncated=nearest', [150, 0, 0]],
  ['truncated without proof goes to the earliest', cut, bounded, '', [100, 10, 0]],
]
for (const [name, custody, facts, policy, expected, offsetAtTime] of moves) {
  test(name, () => assert.deepEqual(cost(entry(custody, facts, policy, offsetAtTime)), expected))
}

test('a truncation point that is not proven is labelled', () => {
  const facts = logOf({ logStartOffset: 60, epochEnds: [ends(4, 2, 150), ends(3, 2, 150)] })
  const planned = entry(cut, facts)
  assert.match(planned.note ?? '', /not proven \(at most 90\): earliest/)
  assert.deepEqual(cost(planned), [60, 0, 30])
  assert.deepEqual(cost(entry(cut, facts, 'truncated=latest')), [200, 140, 0], 'what may be new is counted from the log start')
})

test('a move carries what it expects, the new identity, and its ledger row', () => {
  const custody = { ...expired, ownerEpoch: 7, revision: 'r9' }
  const move = entry(custody, logOf()).move
  const base = { topic: 'orders', partition: 3 }
  assert.deepEqual(move, {
    to: 100,
    position: { offset: 100, topicId: 't1', clusterId: 'c1', leaderEpoch: 5, commitTime: context.now, committedBy: 'test@host' },
    skipped: 60,
    reread: 0,
    expected: 'r9',
    ownerEpoch: 7,
    saveId: 'save-1',
    ledger: {
      ...base,
      at: context.now,
      group: 'billing',
      verdict: 'expired',
      action: 'earliest',
      from: 40,
      to: 100,
      skipped: 60,
      reread: 0,
      actor: 'test@host',
      evidence: ['the offset 40 is below the log start 100: at most 60 records were removed before they were read'],
    },
  })
})

test('below a proven truncation point the epochs that were read stay', () => {
  const facts = logOf({ epochEnds: [ends(4, 3, 140), ends(3, 3, 140)] })
  assert.deepEqual(entry(cut, facts).move?.position.epochs, [{ epoch: 3, startOffset: 90 }])
  assert.equal(entry(cut, facts).move?.position.leaderEpoch, 3)
})

test('a move that proves nothing of the epochs that were read clears them, and keeps the leader’s', () => {
  for (const planned of [entry(cut, bounded), entry(cut, exact, 'truncated=latest')]) {
    assert.equal(planned.move?.position.epochs, undefined)
    assert.equal(planned.move?.position.leaderEpoch, 5)
  }
})

test('a log that is cut below an offset that was moved, before anything was read from there, is truncated', () => {
  const moved = entry(cut, exact, 'truncated=latest').move?.position
  assert.ok(moved !== undefined)
  const later = logOf({ leaderEpoch: 6, logEndOffset: 300, epochEnds: [ends(5, 4, moved.offset - 3)] })
  assert.equal(judge(storing(moved), later).verdict, 'truncated')
  const led = logOf({ leaderEpoch: 6, logEndOffset: 300, epochEnds: [ends(5, 4, moved.offset)] })
  assert.equal(judge(storing(moved), led).verdict, 'valid')
})

test('a plan adds up, sorted, and stops at its limits', () => {
  const second = { ...storing({ offset: 90 }), partition: 1 }
  const findings = [
    findingOf(expired, logOf()),
    findingOf(second, { ...logOf(), partition: 1 }),
    findingOf({ ...ahead, topic: 'a' }, { ...logOf(), topic: 'a' }),
  ]
  const plan = planRepair(findings, toPolicy({ maxSkip: 70, maxReread: 100 }), context)
  assert.deepEqual(
    plan.entries.map(({ topic, partition }) => `${topic}-${partition}`),
    ['a-3', 'orders-1', 'orders-3'],
  )
  assert.deepEqual([plan.skipped, plan.reread, plan.exceeds], [70, 100, undefined])
  assert.deepEqual(planRepair(findings, toPolicy({ maxSkip: 69 }), context).exceeds, { limit: 'maxSkip', allowed: 69, planned: 70 })
  assert.deepEqual(planRepair(findings, toPolicy({ maxReread: 0 }), context).exceeds, { limit: 'maxReread', allowed: 0, planned: 100 })
})

test('skipping a recreated topic counts against the limit by what is in the new one', () => {
  const plan = planRepair([findingOf(recreated, logOf())], toPolicy({ recreated: 'latest', maxSkip: 99 }), context)
  assert.deepEqual(plan.exceeds, { limit: 'maxSkip', allowed: 99, planned: 100 })
})
