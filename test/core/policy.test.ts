import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { choicesFor, parsePolicy, toPolicy } from '../../src/core/policy.ts'
import type { Action } from '../../src/core/policy.ts'
import { VERDICTS } from '../../src/core/verdict.ts'

const usage = (message: RegExp) => ({ code: 'USAGE', message })

test('without a word every verdict has the default of the design', () => {
  assert.deepEqual(toPolicy().actions, {
    corrupt: 'fail',
    foreign: 'fail',
    unknown: 'wait',
    orphaned: 'keep',
    lost: 'fail',
    missing: 'earliest',
    recreated: 'earliest',
    truncated: 'truncation-point',
    expired: 'earliest',
    ahead: 'earliest',
    suspect: 'report',
    valid: 'none',
  })
})

test('without limits a plan may cost anything', () => {
  assert.deepEqual([toPolicy().maxSkip, toPolicy().maxReread], [Infinity, Infinity])
})

test('a bare word sets expired and ahead, and nothing else', () => {
  assert.deepEqual(parsePolicy('latest'), { expired: 'latest', ahead: 'latest' })
  assert.deepEqual(toPolicy('latest').actions, { ...toPolicy().actions, expired: 'latest', ahead: 'latest' })
})

test('a verdict that is named wins over the bare word, whatever their order', () => {
  assert.deepEqual(parsePolicy('fail, expired = nearest'), { expired: 'nearest', ahead: 'fail' })
  assert.deepEqual(parsePolicy('expired=nearest,fail'), { expired: 'nearest', ahead: 'fail' })
})

test('an object may carry the limits too', () => {
  const { actions, maxSkip, maxReread } = toPolicy({ expired: 'fail', maxSkip: 10, maxReread: 0 })
  assert.deepEqual([actions.expired, maxSkip, maxReread], ['fail', 10, 0])
})

for (const [text, message] of [
  ['', /"" in the policy is no action for expired/],
  ['earlist', /"earlist" in the policy is no action for expired. Actions for expired: earliest, latest,/],
  ['truncation-point', /no action for expired/],
  ['expred=earliest', /"expred" in the policy is no verdict. Verdicts: corrupt, orphaned,/],
  ['expired=', /"" in the policy is no action/],
  ['expired=earliest=latest', /"earliest=latest" in the policy is no action/],
  ['expired=earliest,', /"" in the policy/],
  ['expired=earliest,expired=latest', /says twice what to do about expired/],
  ['earliest,latest', /says twice what to do about expired/],
  ['corrupt=time', /no action for corrupt/],
  ['unknown=earliest', /No policy covers unknown/],
  ['foreign=earliest', /No policy covers foreign/],
  ['valid=earliest', /No policy covers valid/],
  ['unknown=wait', /No policy covers unknown/],
  ['constructor=earliest', /is no verdict/],
] as const) {
  test(`the policy ${JSON.stringify(text)} is refused`, () => assert.throws(() => toPolicy(text), usage(message)))
}

test('limits that are none are refused', () => {
  for (const limit of [-1, Number.NaN]) {
    assert.throws(() => toPolicy({ maxSkip: limit }), usage(/is no maxSkip/))
    assert.throws(() => toPolicy({ maxReread: limit }), usage(/is no maxReread/))
  }
})

test('unknown and foreign never lead to a move under any policy: no policy names them', () => {
  for (const verdict of ['unknown', 'foreign', 'valid'] as const) assert.deepEqual(choicesFor(verdict), [])
})

test('every choice of every verdict can be written down and is taken', () => {
  const choices = VERDICTS.flatMap((verdict) => choicesFor(verdict).map((action) => [verdict, action] as const))
  fc.assert(
    fc.property(fc.constantFrom(...choices), ([verdict, action]) => {
      assert.equal(toPolicy(`${verdict}=${action}`).actions[verdict], action)
      assert.equal(toPolicy({ [verdict]: action }).actions[verdict], action)
    }),
  )
})

test('any text is either a whole policy or a USAGE error', () => {
  const words = fc.constantFrom<string>(
    ...VERDICTS,
    ...(['earliest', 'latest', 'keep', 'fail', 'wait', 'none'] satisfies Action[]),
    '=',
    ',',
    ' ',
    'x',
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(words, { maxLength: 6 }).map((parts) => parts.join('')),
      ),
      (text) => {
        try {
          assert.deepEqual(Object.keys(toPolicy(text).actions), Object.keys(toPolicy().actions))
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'USAGE')
        }
      },
    ),
  )
})
