import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { BatchTimes, BelowOffset } from '../../src/core/facts.ts'
import { planRepair } from '../../src/core/plan.ts'
import { toPolicy } from '../../src/core/policy.ts'
import { judge } from '../../src/core/verdict.ts'
import { context, findingOf, logOf, storing } from './build.ts'

const bare = storing({ offset: 150, commitTime: 1_000 })

function times(fromOffset: number, toOffset: number, earliest: number): BatchTimes {
  return { fromOffset, toOffset, earliest, timestampType: 'CreateTime' }
}

/** Committed at 1,000, with a skew of 500. */
function verdictOf(below: Partial<BelowOffset> | undefined, custody = bare) {
  return judge(custody, logOf({ below: below && { writtenBy: 1_500, laterFrom: null, ...below } }))
}

describe('a number without identity', () => {
  it('is suspect where all that lies below it is later', () => {
    const { verdict, evidence } = verdictOf({ laterFrom: 100, first: times(100, 109, 2_000), last: times(140, 149, 2_500) })
    assert.equal(verdict, 'suspect')
    assert.deepEqual(evidence, [
      'the whole log below the offset was written after the commit at 1970-01-01T00:00:01.000Z: its first batch, at 100 to 109, from 1970-01-01T00:00:02.000Z on (CreateTime), and the one just below the offset, at 140 to 149, from 1970-01-01T00:00:02.500Z on (CreateTime): perhaps the topic was made anew',
    ])
  })

  it('is suspect where what lies just below it is later, and the log’s beginning is not', () => {
    const { verdict, evidence } = verdictOf({ laterFrom: 130, first: times(100, 109, 300), last: times(140, 149, 2_500) })
    assert.equal(verdict, 'suspect')
    assert.match(
      evidence[0] ?? '',
      /just below the offset .* the first later record is at 130, while its first batch.* was not: perhaps the log was cut/,
    )
  })

  const innocent: [what: string, below: Partial<BelowOffset> | undefined][] = [
    ['no record is later', {}],
    [
      'a record is later somewhere, and those just below it are not',
      { laterFrom: 120, first: times(100, 109, 300), last: times(140, 149, 400) },
    ],
    [
      'the first batch is later, and those just below it are not',
      { laterFrom: 100, first: times(100, 100, 9_000), last: times(140, 149, 400) },
    ],
    ['one record in the batch just below it is not later', { laterFrom: 120, first: times(100, 109, 9_000), last: times(140, 149, 1_499) }],
    ['the only later record is the last one', { laterFrom: 149, first: times(100, 109, 300), last: times(149, 149, 9_000) }],
    ['the only record there is is later', { laterFrom: 149, first: times(149, 149, 9_000), last: times(149, 149, 9_000) }],
    ['the batch just below it is gone', { laterFrom: 120, first: times(100, 109, 9_000) }],
    ['the records can’t be read', { laterFrom: 120, unread: 'no READ' }],
    ['the times could not be had', { unread: 'TIMED_OUT' }],
    ['nobody asked', undefined],
  ]
  for (const [what, below] of innocent) {
    it(`is valid, and nothing is proven, where ${what}`, () => {
      const { verdict, evidence } = verdictOf(below)
      assert.equal(verdict, 'valid')
      assert.match(evidence.join('; '), /identity not stored/)
    })
  }

  it('says where the records could not be read', () => {
    assert.match(
      verdictOf({ laterFrom: 120, unread: 'no READ' }).evidence.join('; '),
      /the record at 120 is later than the commit; .*no READ/,
    )
    assert.match(verdictOf({ unread: 'TIMED_OUT' }).evidence.join('; '), /is not known: TIMED_OUT/)
  })

  it('that is out of range is that, whatever the times say', () => {
    const below = { laterFrom: 100, first: times(100, 109, 2_000), last: times(140, 149, 2_500) }
    assert.equal(verdictOf(below, storing({ offset: 50, commitTime: 1_000 })).verdict, 'expired')
    assert.equal(verdictOf(below, storing({ offset: 250, commitTime: 1_000 })).verdict, 'ahead')
  })

  it('is not suspect where a topic ID is stored, or no time of a commit', () => {
    const below = { laterFrom: 100, first: times(100, 109, 2_000), last: times(140, 149, 2_500) }
    assert.equal(verdictOf(below, storing({ offset: 150, commitTime: 1_000, topicId: 't1' })).verdict, 'valid')
    assert.equal(verdictOf(below, storing({ offset: 150 })).verdict, 'valid')
  })
})

describe('a suspect offset', () => {
  const facts = logOf({ below: { writtenBy: 1_500, laterFrom: 100, first: times(100, 109, 2_000), last: times(140, 149, 2_500) } })

  it('is reported, and moved only if the policy names it', () => {
    const plan = (policy: string) => planRepair([findingOf(bare, facts)], toPolicy(policy), context).entries[0]
    assert.deepEqual([plan('earliest')?.action, plan('earliest')?.outcome, plan('earliest')?.move], ['report', 'none', undefined])
    const moved = plan('suspect=earliest')
    assert.deepEqual([moved?.outcome, moved?.move?.to, moved?.move?.skipped, moved?.move?.reread], ['move', 100, 0, 50])
    assert.deepEqual([plan('suspect=fail')?.outcome, plan('suspect=keep')?.outcome], ['fail', 'keep'])
    assert.equal(plan('suspect=latest')?.move?.skipped, 100, 'all of the log may be unread')
  })
})
