import * as fc from 'fast-check'
import type { Custody } from '../../src/core/custody.ts'
import type { BelowOffset, Facts, KnownFacts } from '../../src/core/facts.ts'
import { choicesFor, toPolicy } from '../../src/core/policy.ts'
import type { Policy } from '../../src/core/policy.ts'
import type { Position } from '../../src/core/position.ts'
import type { ResetTarget } from '../../src/core/reset.ts'
import { epochsOf, VERDICTS } from '../../src/core/verdict.ts'
import { custodyOf, logOf, place } from './build.ts'

// Small numbers, so that boundaries meet; few IDs, so that they often agree.
const small = fc.nat(12)
const time = fc.option(fc.nat(1_000), { nil: undefined })
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })

/** Epochs and their starts both rise. */
const epochs = fc
  .tuple(fc.uniqueArray(small, { maxLength: 4 }), fc.uniqueArray(small, { minLength: 4, maxLength: 4 }))
  .map(([some, starts]) => {
    const [rising, from] = [some, starts].map((values) => values.toSorted((a, b) => a - b)) as [number[], number[]]
    return rising.map((epoch, index) => ({ epoch, startOffset: from[index] as number }))
  })

const position: fc.Arbitrary<Position> = fc
  .record({
    offset: small,
    epochs: maybe(epochs),
    leaderEpoch: maybe(small),
    topicId: maybe(fc.constantFrom('t1', 't2')),
    clusterId: maybe(fc.constantFrom('c1', 'c2')),
    recordTime: time,
    commitTime: time,
  })
  .map((made) => ({ ...made, leaderEpoch: made.epochs?.at(-1)?.epoch ?? made.leaderEpoch }))

/** Whatever a store may hold. */
const anyCustody: fc.Arbitrary<Custody> = fc.oneof(
  { weight: 4, arbitrary: position.map((stored) => custodyOf({ state: 'position', position: stored })) },
  {
    weight: 1,
    arbitrary: maybe(fc.constantFrom('sidecar', 'ledger', 'planned', 'seen')).map((trace) => custodyOf({ state: 'absent' }, { trace })),
  },
  { weight: 1, arbitrary: fc.string().map((raw) => custodyOf({ state: 'corrupt', raw, reason: 'no number' })) },
)

const batchTimes = fc.record({
  fromOffset: small,
  toOffset: small,
  earliest: fc.nat(1_000),
  timestampType: fc.constantFrom('CreateTime' as const, 'LogAppendTime' as const),
})

const below: fc.Arbitrary<BelowOffset> = fc.record({
  writtenBy: fc.nat(1_000),
  laterFrom: fc.option(small),
  first: maybe(batchTimes),
  last: maybe(batchTimes),
  unread: maybe(fc.constant('no READ')),
})

/** What a leader in `leaderEpoch` may answer: nothing of an epoch that is newer than its own. */
function answersTo(custody: Custody, leaderEpoch: number): fc.Arbitrary<KnownFacts['epochEnds']> {
  const asked = custody.stored.state === 'position' ? epochsOf(custody.stored.position).toReversed() : []
  const answers = asked.map(({ epoch }) => {
    const none = fc.constant({ asked: epoch, epoch: -1, endOffset: -1 })
    return epoch > leaderEpoch ? none : fc.oneof(none, fc.record({ asked: fc.constant(epoch), epoch: fc.nat(epoch), endOffset: small }))
  })
  return fc.tuple(...answers).chain((all) => fc.nat(all.length).map((count) => all.slice(0, count)))
}

function knownFacts(custody: Custody): fc.Arbitrary<Facts> {
  return small.chain((leaderEpoch) =>
    fc
      .record({
        start: small,
        length: small,
        topicId: fc.constantFrom('t1', 't2'),
        epochEnds: answersTo(custody, leaderEpoch),
        below: maybe(below),
      })
      .map(({ start, length, ...more }) => logOf({ logStartOffset: start, logEndOffset: start + length, leaderEpoch, ...more })),
  )
}

function anyFacts(custody: Custody): fc.Arbitrary<Facts> {
  const unknown = maybe(fc.constantFrom('c1', 'c2')).map((clusterId): Facts => ({
    ...place,
    state: 'unknown',
    clusterId,
    reason: 'TIMED_OUT',
    detail: 'no answer',
  }))
  const absent = maybe(fc.nat(3)).map((partitionCount): Facts => ({ ...place, state: 'absent', clusterId: 'c1', partitionCount }))
  return fc.oneof({ weight: 6, arbitrary: knownFacts(custody) }, { weight: 1, arbitrary: unknown }, { weight: 1, arbitrary: absent })
}

/** Whatever a store may hold, with whatever a cluster may answer about it. */
export const anySituation: fc.Arbitrary<{ custody: Custody; facts: Facts; offsetAtTime: number | null | undefined }> = anyCustody.chain(
  (custody) =>
    fc.record({ custody: fc.constant(custody), facts: anyFacts(custody), offsetAtTime: fc.oneof(small, fc.constantFrom(null, undefined)) }),
)

/** Any policy that can be written down. */
export const anyPolicy: fc.Arbitrary<Policy> = fc
  .record(
    Object.fromEntries(
      VERDICTS.filter((verdict) => choicesFor(verdict).length > 0).map((verdict) => [verdict, fc.constantFrom(...choicesFor(verdict))]),
    ),
    { requiredKeys: [] },
  )
  .map((parts) => toPolicy(parts))

/** Any reset. */
export const anyTarget: fc.Arbitrary<ResetTarget> = fc.oneof(
  fc.constantFrom<ResetTarget>(
    { kind: 'to-earliest' },
    { kind: 'to-latest' },
    { kind: 'to-datetime', timestamp: 1 },
    { kind: 'by-duration', timestamp: 1 },
  ),
  small.map((offset): ResetTarget => ({ kind: 'to-offset', offset })),
  fc.integer({ min: -12, max: 12 }).map((records): ResetTarget => ({ kind: 'shift-by', records })),
)
