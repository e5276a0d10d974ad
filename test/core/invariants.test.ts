import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { Plan } from '../../src/core/plan.ts'
import { planRepair } from '../../src/core/plan.ts'
import { planReset } from '../../src/core/reset.ts'
import { judge, VERDICTS } from '../../src/core/verdict.ts'
import { testsOf } from '../../src/core/why-not.ts'
import { context, findingOf, afterMove } from './build.ts'
import { anyPolicy, anySituation, anyTarget } from './generate.ts'

const unlimited = { maxSkip: Infinity, maxReread: Infinity }
const runs = { numRuns: 2_000 }

/** Every plan that can come of a situation. */
const anyPlan = fc
  .record({ situation: anySituation, policy: anyPolicy, target: fc.option(anyTarget) })
  .map(({ situation, policy, target }) => {
    const { custody, facts, offsetAtTime } = situation
    const finding = findingOf(custody, facts, offsetAtTime)
    const plan: Plan = target === null ? planRepair([finding], policy, context) : planReset([finding], target, unlimited, context)
    return { custody, facts, verdict: finding.verdict, plan }
  })

test('judging is total: every situation has exactly one verdict, and it is the first test that holds', () => {
  fc.assert(
    fc.property(anySituation, ({ custody, facts }) => {
      const { verdict, evidence } = judge(custody, facts)
      const tests = testsOf(custody, facts)
      assert.deepEqual(
        tests.map((made) => made.verdict),
        VERDICTS.slice(0, tests.length),
      )
      assert.deepEqual(
        tests.map(({ holds }) => holds),
        tests.map((_, index) => index === tests.length - 1),
      )
      assert.equal(tests.at(-1)?.verdict, verdict)
      assert.ok(tests.every(({ detail }) => detail !== '' && !detail.includes('undefined')))
      assert.ok(evidence.length > 0 && evidence.every((sentence) => sentence !== '' && !sentence.includes('undefined')))
    }),
    runs,
  )
})

test('judging depends on nothing but its input, and its answer prints as JSON', () => {
  fc.assert(
    fc.property(anySituation, ({ custody, facts }) => {
      const verdict = judge(custody, facts)
      assert.deepEqual(judge(structuredClone(custody), structuredClone(facts)), verdict)
      assert.deepEqual(JSON.parse(JSON.stringify(verdict)), JSON.parse(JSON.stringify(structuredClone(verdict))))
    }),
  )
})

test('another cluster wins over everything that the number could mean', () => {
  fc.assert(
    fc.property(anySituation, ({ custody, facts }) => {
      const stored = custody.stored.state === 'position' ? custody.stored.position.clusterId : undefined
      const foreign = stored !== undefined && facts.clusterId !== undefined && stored !== facts.clusterId
      assert.equal(judge(custody, facts).verdict === 'foreign', foreign)
    }),
    runs,
  )
})

test('another topic ID wins over the range: a regrown topic looks valid', () => {
  fc.assert(
    fc.property(anySituation, ({ custody, facts }) => {
      if (custody.stored.state !== 'position' || facts.state !== 'known') return
      const { topicId, clusterId } = custody.stored.position
      if (topicId === undefined || topicId === facts.topicId || (clusterId !== undefined && clusterId !== facts.clusterId)) return
      assert.equal(judge(custody, facts).verdict, 'recreated')
    }),
    runs,
  )
})

test('invariant 3: unknown and foreign never lead to a write', () => {
  fc.assert(
    fc.property(anyPlan, ({ facts, verdict, plan }) => {
      if (verdict.verdict === 'unknown' || verdict.verdict === 'foreign' || facts.state !== 'known')
        assert.equal(plan.entries[0]?.move, undefined)
    }),
    runs,
  )
})

test('a plan has one entry per finding, and a move exactly where it says so', () => {
  fc.assert(
    fc.property(anyPlan, ({ plan }) => {
      assert.equal(plan.entries.length, 1)
      for (const { outcome, move } of plan.entries) assert.equal(outcome === 'move', move !== undefined)
    }),
    runs,
  )
})

test('every move stays between log start and log end, and its ledger row says the same as the move', () => {
  fc.assert(
    fc.property(anyPlan, ({ custody, facts, plan }) => {
      const move = plan.entries[0]?.move
      if (move === undefined) return
      assert.ok(facts.state === 'known' && move.to >= facts.logStartOffset && move.to <= facts.logEndOffset)
      assert.equal(move.position.offset, move.to)
      assert.equal(move.expected, custody.revision)
      const { to, skipped, reread } = move.ledger
      assert.deepEqual({ to, skipped, reread }, { to: move.to, skipped: move.skipped, reread: move.reread })
    }),
    runs,
  )
})

test('a move never skips and reads again what is known to the record, and never costs less than nothing', () => {
  fc.assert(
    fc.property(anyPlan, ({ verdict, plan }) => {
      const move = plan.entries[0]?.move
      if (move === undefined) return
      assert.ok((move.skipped ?? 0) >= 0 && move.reread >= 0)
      if (verdict.verdict === 'valid' || verdict.verdict === 'expired' || verdict.verdict === 'missing')
        assert.ok(move.skipped === 0 || move.reread === 0)
    }),
    runs,
  )
})

test('a moved position keeps only epochs read below it, and names the identity that the facts prove', () => {
  fc.assert(
    fc.property(anyPlan, ({ facts, plan }) => {
      const move = plan.entries[0]?.move
      if (move === undefined || facts.state !== 'known') return
      assert.deepEqual([move.position.topicId, move.position.clusterId], [facts.topicId, facts.clusterId])
      for (const pair of move.position.epochs ?? []) assert.ok(pair.startOffset < move.to)
      assert.equal(move.position.leaderEpoch, move.position.epochs?.at(-1)?.epoch ?? facts.leaderEpoch)
    }),
    runs,
  )
})

test('invariant 5: with unchanged facts, reconciling after a repair finds nothing to move', () => {
  fc.assert(
    fc.property(anyPlan, anyPolicy, ({ custody, facts, plan }, policy) => {
      const move = plan.entries[0]?.move
      // What the epochs of a log can say together is in truncation.test.ts; answers made up at random contradict each other.
      if (move === undefined || facts.state !== 'known' || move.position.epochs !== undefined) return
      const asked = facts.leaderEpoch
      const epochEnds = [{ asked, epoch: asked, endOffset: facts.logEndOffset }]
      const again = findingOf(afterMove(custody, move.position), { ...facts, epochEnds })
      assert.equal(again.verdict.verdict, 'valid', again.verdict.evidence.join('; '))
      assert.equal(planRepair([again], policy, context).entries[0]?.move, undefined)
    }),
    runs,
  )
})
