import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VERDICTS, isFinding, judge, maySettle, truncationOf } from '../../src/core/verdict.ts'
import type { VerdictName } from '../../src/core/verdict.ts'
import type { Custody } from '../../src/core/custody.ts'
import type { Facts } from '../../src/core/facts.ts'
import { away, custodyOf, ends, gone, logOf, storing } from './build.ts'

const corrupt = custodyOf({ state: 'corrupt', raw: '-1', reason: 'negative' })
const absent = custodyOf({ state: 'absent' })
const full = { offset: 150, topicId: 't1', clusterId: 'c1', leaderEpoch: 5, epochs: [{ epoch: 5, startOffset: 120 }] }

/** All below the offset is later than a commit at 1,000 with a skew of 500. */
const newer = {
  writtenBy: 1_500,
  laterFrom: 100,
  first: { fromOffset: 100, toOffset: 109, earliest: 2_000, timestampType: 'CreateTime' },
  last: { fromOffset: 140, toOffset: 149, earliest: 2_500, timestampType: 'CreateTime' },
} as const

const examples: ReadonlyArray<readonly [name: string, custody: Custody, facts: Facts, verdict: VerdictName, evidence: RegExp]> = [
  ['text that is no number', corrupt, logOf(), 'corrupt', /"-1" is no offset: negative/],
  ['a corrupt value while the cluster is away', corrupt, away(), 'corrupt', /-1/],
  ['another cluster', storing({ ...full, clusterId: 'c2' }), logOf(), 'foreign', /stored for the cluster c2, and this is c1/],
  ['another cluster whose leader is away', storing({ ...full, clusterId: 'c2' }), away({ clusterId: 'c1' }), 'foreign', /c2/],
  ['another cluster without that topic', storing({ ...full, clusterId: 'c2' }), gone(), 'foreign', /c2/],
  ['no leader', storing(full), away(), 'unknown', /NO_LEADER/],
  ['nothing stored and no leader', absent, away(), 'unknown', /NO_LEADER/],
  [
    'a leader that is behind what was read of this topic',
    storing({ ...full, leaderEpoch: 6, epochs: [] }),
    logOf(),
    'unknown',
    /STALE_LEADER/,
  ],
  [
    'the same, told by the epochs alone',
    storing({ ...full, leaderEpoch: undefined, epochs: [{ epoch: 6, startOffset: 1 }] }),
    logOf(),
    'unknown',
    /STALE_LEADER/,
  ],
  ['a topic that is gone', storing(full), gone(), 'orphaned', /no topic orders/],
  ['a partition that is gone', storing(full), gone({ partitionCount: 3 }), 'orphaned', /has 3 partitions, and no partition 3/],
  ['nothing stored of a topic that is gone', absent, gone(), 'orphaned', /no topic/],
  ['nothing stored, a sidecar left', custodyOf({ state: 'absent' }, { trace: 'sidecar' }), logOf(), 'lost', /kept beside it/],
  ['nothing stored, moves in the ledger', custodyOf({ state: 'absent' }, { trace: 'ledger' }), logOf(), 'lost', /ledger/],
  ['nothing stored, work planned', custodyOf({ state: 'absent' }, { trace: 'planned' }), logOf(), 'lost', /planned/],
  ['what was seen vanished', custodyOf({ state: 'absent' }, { trace: 'seen' }), logOf(), 'lost', /an earlier round found an offset/],
  ['a new group', absent, logOf(), 'missing', /nothing says there ever was/],
  ['another topic ID, in range', storing({ ...full, topicId: 't0' }), logOf(), 'recreated', /topic ID t0, and the topic's is t1/],
  ['another topic ID, out of range', storing({ ...full, topicId: 't0', offset: 5 }), logOf(), 'recreated', /t0/],
  [
    'no topic ID and an epoch newer than any',
    storing({ offset: 150, leaderEpoch: 9 }),
    logOf({ epochEnds: [ends(9, -1, -1)] }),
    'recreated',
    /epoch 9 is newer than any/,
  ],
  [
    'an epoch that ended below the offset',
    storing({ offset: 150, topicId: 't1', leaderEpoch: 4 }),
    logOf({ epochEnds: [ends(4, 4, 130)] }),
    'truncated',
    /cut at 130/,
  ],
  [
    'an epoch that ended below an offset beyond the end',
    storing({ offset: 250, leaderEpoch: 4 }),
    logOf({ epochEnds: [ends(4, 4, 130)] }),
    'truncated',
    /cut at 130/,
  ],
  [
    'an older epoch that ended below, only the bound known',
    storing({ offset: 150, leaderEpoch: 4 }),
    logOf({ epochEnds: [ends(4, 3, 130)] }),
    'truncated',
    /at most at 130/,
  ],
  ['below the log start', storing({ offset: 40, topicId: 't1' }), logOf(), 'expired', /at most 60 records were removed/],
  ['beyond the log end', storing({ offset: 201 }), logOf(), 'ahead', /1 beyond the log end 200/],
  [
    "beyond the log end in the leader's own epoch",
    storing({ ...full, offset: 250 }),
    logOf({ epochEnds: [ends(5, 5, 200)] }),
    'ahead',
    /50 beyond/,
  ],
  [
    'a log that is newer than the commit',
    storing({ offset: 150, commitTime: 1_000 }),
    logOf({ below: newer }),
    'suspect',
    /the whole log below the offset/,
  ],
  ['everything proven', storing(full), logOf({ epochEnds: [ends(5, 5, 200)] }), 'valid', /within the log, 100 to 200/],
  ['at the log start', storing({ offset: 100 }), logOf(), 'valid', /within/],
  ['at the log end', storing({ offset: 200 }), logOf(), 'valid', /within/],
  ['an empty log', storing({ offset: 0 }), logOf({ logStartOffset: 0, logEndOffset: 0 }), 'valid', /0 to 0/],
  [
    'an older epoch that reaches to the offset',
    storing({ offset: 150, topicId: 't1', leaderEpoch: 4 }),
    logOf({ epochEnds: [ends(4, 4, 150)] }),
    'valid',
    /within/,
  ],
  [
    'a leader that does not say where the epoch ends',
    storing({ offset: 150, topicId: 't1', leaderEpoch: 4 }),
    logOf({ epochEnds: [ends(4, -1, -1)] }),
    'valid',
    /within/,
  ],
]

for (const [name, custody, facts, verdict, evidence] of examples) {
  test(`${verdict}: ${name}`, () => {
    const judged = judge(custody, facts)
    assert.equal(judged.verdict, verdict)
    assert.match(judged.evidence[0] ?? '', evidence)
  })
}

test('every verdict has an example', () => {
  assert.deepEqual(new Set(examples.map(([, , , verdict]) => verdict)), new Set(VERDICTS))
})

test('a valid offset says what could not be proven', () => {
  assert.deepEqual(judge(storing({ offset: 150 }), logOf()).evidence.slice(1), [
    'identity not stored: a topic made anew would not be seen',
    'leader epoch not stored: a truncated log would not be seen',
  ])
  assert.match(
    judge(storing({ offset: 150, topicId: 't1', leaderEpoch: 4 }), logOf({ epochEnds: [ends(4, 3, 160)] })).evidence[1] ?? '',
    /no records of the stored epoch 4/,
  )
  assert.equal(judge(storing(full), logOf({ epochEnds: [ends(5, 5, 200)] })).evidence.length, 1)
})

test('lag is known where offset and log end are', () => {
  assert.equal(judge(storing({ offset: 150 }), logOf()).lag, 50)
  assert.equal(judge(storing({ offset: 250 }), logOf()).lag, 0)
  assert.equal(judge(storing({ offset: 150 }), away()).lag, undefined)
  assert.equal(judge(absent, logOf()).lag, undefined)
})

test('findings are all verdicts but valid, missing and unknown', () => {
  assert.deepEqual(
    VERDICTS.filter((verdict) => !isFinding(verdict)),
    ['unknown', 'missing', 'valid'],
  )
})

test('what no cluster state can pass through by itself needs no pause before the second look', () => {
  assert.deepEqual(
    VERDICTS.filter((verdict) => !maySettle(verdict)),
    ['corrupt', 'foreign', 'lost', 'missing', 'expired', 'suspect', 'valid'],
  )
})

test('truncation: epoch 4 read from 40, and the surviving log of epochs 3@0 and 7@60', () => {
  const position = {
    offset: 80,
    leaderEpoch: 4,
    epochs: [
      { epoch: 3, startOffset: 0 },
      { epoch: 4, startOffset: 40 },
    ],
  }
  const facts = logOf({ leaderEpoch: 7, logStartOffset: 0, logEndOffset: 100, epochEnds: [ends(4, 3, 60), ends(3, 3, 60)] })
  assert.deepEqual(truncationOf(position, facts), { offset: 40, exact: true })
})

test('truncation: an epoch older than all the leader has kept gives no more than a bound', () => {
  const position = { offset: 150, leaderEpoch: 2, epochs: [{ epoch: 2, startOffset: 20 }] }
  assert.deepEqual(truncationOf(position, logOf({ epochEnds: [ends(2, 2, 100)] })), { offset: 100, exact: false })
})

test('a partition that is gone because its topic was made anew with fewer says so', () => {
  const facts = { ...gone({ partitionCount: 3 }), topicId: 't1' } as Facts
  assert.match(judge(storing({ ...full, topicId: 't0' }), facts).evidence[1] ?? '', /stored for the topic ID t0, and the topic's is t1/)
  assert.equal(judge(storing(full), facts).evidence.length, 1)
})

test('an offset that an open transaction holds up says so; one below it, and one of a log without, do not', () => {
  const heldUp = (offset: number, lastStableOffset?: number): boolean =>
    judge(storing({ ...full, offset }), logOf({ lastStableOffset, epochEnds: [ends(5, 5, 200)] })).evidence.some((line) =>
      line.startsWith('an open transaction holds the last stable offset at 150, 50 below the log end'),
    )
  assert.deepEqual([heldUp(150, 150), heldUp(149, 150), heldUp(150, 200), heldUp(150)], [true, false, false, false])
})

test('a log that was cut and is still shorter is not said to have grown again', () => {
  const facts = logOf({ leaderEpoch: 7, logEndOffset: 130, epochEnds: [ends(5, 4, 130), ends(4, 4, 130)] })
  const epochs = [
    { epoch: 4, startOffset: 100 },
    { epoch: 5, startOffset: 130 },
  ]
  const { verdict, evidence } = judge(storing({ ...full, epochs }), facts)
  assert.equal(verdict, 'truncated')
  assert.doesNotMatch(evidence[0] ?? '', /grew again/)
})
