import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { planRepair } from '../../src/core/plan.ts'
import { planReset } from '../../src/core/reset.ts'
import { judge } from '../../src/core/verdict.ts'
import { afterMove, context, findingOf, storing } from './build.ts'
import { anyPolicy, anyTarget } from './generate.ts'
import { anyHistory, divergence, factsOn, positionIn } from './history.ts'

const runs = { numRuns: 5_000 }

test('truncation: what is called exact is where the logs part, and what is not is an upper bound', () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      const position = positionIn(history)
      const { verdict, truncation } = judge(storing(position), factsOn(history, position))
      assert.equal(verdict === 'truncated', truncation !== undefined)
      if (truncation === undefined) return
      const truth = divergence(history)
      assert.ok(truth !== undefined, 'the leader has everything that was read')
      if (truncation.exact) assert.equal(truncation.offset, truth)
      else assert.ok(truncation.offset >= truth, `${truncation.offset} is below ${truth}`)
    }),
    runs,
  )
})

test('truncation: a log that parts from what was read is seen, unless nothing it kept shows that', () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      const position = positionIn(history)
      const { verdict, evidence } = judge(storing(position), factsOn(history, position))
      if (divergence(history) === undefined || verdict === 'truncated') return
      // Retention removed all that was read, or the leader has no record of the stored epoch and older ones up to the offset: as after a compaction.
      const nothingKept = position.offset <= history.logStartOffset
      assert.ok(nothingKept || (verdict === 'valid' && evidence.some((note) => note.includes('no records of the stored epoch'))), verdict)
    }),
    runs,
  )
})

test('truncation: a bare leader epoch never proves a point below which something was read in it', () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      const { epochs: _, ...bare } = positionIn(history)
      const { truncation } = judge(storing(bare), factsOn(history, bare))
      const truth = divergence(history)
      if (truncation === undefined) return
      assert.ok(truth !== undefined && truncation.offset >= truth)
      if (truncation.exact) assert.equal(truncation.offset, truth)
    }),
    runs,
  )
})

test('invariant 5: after any move that a policy or a reset makes, the same log finds the offset valid and nothing to move', () => {
  const shift = fc.integer({ min: -20, max: 20 })
  const identity = fc.constantFrom({}, {}, { topicId: 't0' }, { topicId: undefined }, { clusterId: undefined })
  fc.assert(
    fc.property(anyHistory, shift, identity, anyPolicy, fc.option(anyTarget), (history, by, changed, policy, target) => {
      const position = { ...positionIn(history), ...changed }
      const custody = storing({ ...position, offset: Math.max(0, position.offset + by) })
      const finding = findingOf(custody, factsOn(history, position), history.logStartOffset)
      const plan = target === null ? planRepair([finding], policy, context) : planReset([finding], target, policy, context)
      const move = plan.entries[0]?.move
      if (move === undefined) return
      const again = findingOf(afterMove(custody, move.position), factsOn(history, move.position))
      assert.equal(again.verdict.verdict, 'valid', again.verdict.evidence.join('; '))
      assert.equal(planRepair([again], policy, context).entries[0]?.move, undefined)
    }),
    runs,
  )
})
