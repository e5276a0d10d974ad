import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { compare, openAlerts, withOpen } from '../../src/watch/changes.ts'
import type { Change, Watchfulness } from '../../src/watch/changes.ts'
import type { Round } from '../../src/watch/round.ts'
import { failure, roundOf, row } from './round.ts'

/** What is told in each of several rounds, in short: `fire expired orders-0 (was …)`. */
function toldIn(rounds: readonly Round[], before: Watchfulness = new Map()): string[][] {
  let state = before
  return rounds.map((round) => {
    const { after, changes } = compare(state, round)
    state = after
    return changes.map(short)
  })
}

function short({ state, verdict, previous, now, topic, partition, group, store }: Change): string {
  const whole = store === null ? 'cluster' : (group ?? 'store')
  const place = topic === null ? whole : `${topic}-${partition}`
  return state === 'firing' ? `${verdict} ${place}${previous === null ? '' : ` was ${previous}`}` : `${place} resolved: ${now}`
}

const well = (at: number) => roundOf(at, [row(0, 'valid')])
const bad = (at: number) => roundOf(at, [row(0, 'expired')])
const unknown = (at: number) => roundOf(at, [row(0, 'unknown')])
const away = (at: number) => roundOf(at, [row(0, 'unknown')], [failure()])

describe('what changed between rounds', () => {
  it('a finding is told once, in the first round that shows it, however long it lasts', () => {
    assert.deepEqual(toldIn([well(1), bad(2), bad(3), bad(4)]), [[], ['expired orders-0'], [], []])
    assert.deepEqual(toldIn([bad(1), bad(2)]), [['expired orders-0'], []], 'found at the start')
  })

  it('it is resolved once, when two rounds in a row are well', () => {
    assert.deepEqual(toldIn([bad(1), well(2), well(3), well(4)]), [['expired orders-0'], [], ['orders-0 resolved: valid'], []])
  })

  it('a partition that flaps is told of once', () => {
    assert.deepEqual(toldIn([bad(1), well(2), bad(3), well(4), bad(5), well(6), bad(7)]).flat(), ['expired orders-0'])
  })

  it('what could not be determined resolves nothing, and does not count as well either', () => {
    assert.deepEqual(toldIn([bad(1), unknown(2), well(3), unknown(4), well(5)]).flat(), ['expired orders-0'])
    assert.deepEqual(
      toldIn([bad(1), well(2), unknown(3), well(4), well(5)]).map((told) => told.length),
      [1, 0, 0, 0, 1],
    )
  })

  it('what could not be determined in two rounds in a row is told of the group as a whole, and resolved', () => {
    assert.deepEqual(toldIn([unknown(1), well(2), unknown(3), unknown(4), unknown(5), well(6), well(7)]), [
      [],
      [],
      [],
      ['unknown billing'],
      [],
      [],
      ['billing resolved: valid'],
    ])
  })

  it('a group that could not be checked is told of, and its partitions stay as they are', () => {
    const failed = (at: number) => roundOf(at, [row(0, 'unknown')], [failure('billing', 'STORE_DENIED')])
    assert.deepEqual(toldIn([bad(1), failed(2), failed(3), bad(4), bad(5)]), [
      ['expired orders-0'],
      [],
      ['unknown billing'],
      [],
      ['billing resolved: valid'],
    ])
  })

  it('a store that is away is told of once, and not each of its groups', () => {
    assert.deepEqual(toldIn([bad(1), away(2), away(3), away(4), well(5), well(6)]), [
      ['expired orders-0'],
      [],
      ['unknown store'],
      [],
      [],
      ['store resolved: valid', 'orders-0 resolved: valid'],
    ])
    const nothingKnown = (at: number) => roundOf(at, [], [failure()])
    assert.deepEqual(toldIn([nothingKnown(1), nothingKnown(2)]), [[], ['unknown store']])
  })

  it('a cluster of which nothing could be determined is told of once, and not each of its groups', () => {
    const both = (at: number, verdict: 'unknown' | 'expired' | 'valid') =>
      roundOf(at, [row(0, verdict), row(1, verdict, { group: 'audit' })])
    assert.deepEqual(toldIn([both(1, 'expired'), both(2, 'unknown'), both(3, 'unknown'), both(4, 'expired'), both(5, 'expired')]), [
      ['expired orders-0', 'expired orders-1'],
      [],
      ['unknown cluster'],
      [],
      ['cluster resolved: valid'],
    ])
    const mixed = (at: number) => roundOf(at, [row(0, 'unknown'), row(1, 'valid', { group: 'audit' })])
    assert.deepEqual(toldIn([mixed(1), mixed(2)]), [[], ['unknown billing']])
  })

  it('a margin that is less than was wished for is told of as a finding is, and what is worse in its place', () => {
    const near = (at: number, notBeforeMs: number | 'never' | null, verdict: 'valid' | 'expired' = 'valid') => {
      const margin = { byTimeMs: notBeforeMs, bySizeMs: 'never', notBeforeMs, evidence: ['retention.ms 1 h'] }
      return roundOf(at, [row(0, verdict, { margin: margin as never })])
    }
    let state: Watchfulness = new Map()
    const told = [near(1, 9_000), near(2, 4_000), near(3, 3_000), near(4, 9_000), near(5, null), near(6, 9_000), near(7, 'never')].map(
      (round) => {
        const { after, changes } = compare(state, round, 5_000)
        state = after
        return changes.map((change) => `${short(change)}: ${change.evidence.join('; ')}`)
      },
    )
    assert.deepEqual(told, [
      [],
      ['low-margin orders-0: retention can pass the offset not before 4 s; retention.ms 1 h'],
      [],
      [],
      [],
      [],
      ['orders-0 resolved: valid: it is valid'],
    ])
    assert.deepEqual(toldIn([near(1, 4_000)]), [[]], 'without a wish none is too little')
    const worse = compare(compare(new Map(), near(1, 4_000), 5_000).after, near(2, null, 'expired'), 5_000).after
    assert.deepEqual(compare(worse, near(3, null, 'expired'), 5_000).changes.map(short), ['expired orders-0 was low-margin'])
  })

  it('another finding in place of the one that was told is told too, with both, once two rounds show it', () => {
    const other = (at: number) => roundOf(at, [row(0, 'recreated')])
    assert.deepEqual(toldIn([bad(1), other(2), bad(3), other(4), other(5), other(6)]), [
      ['expired orders-0'],
      [],
      [],
      [],
      ['recreated orders-0 was expired'],
      [],
    ])
  })

  it('a partition that is gone from the store is resolved, saying so', () => {
    const gone = (at: number) => roundOf(at, [row(1, 'valid')])
    assert.deepEqual(toldIn([bad(1), gone(2), gone(3)]), [['expired orders-0'], [], ['orders-0 resolved: null']])
  })

  it('open alerts outlive a restart: they are not told again, and resolved', () => {
    const { after } = compare(new Map(), bad(1))
    const kept = withOpen(JSON.parse(JSON.stringify(openAlerts(after))))
    assert.deepEqual(toldIn([bad(2), well(3), well(4)], kept), [[], [], ['orders-0 resolved: valid']])
  })

  it('keeps nothing of what is well', () => {
    const { after } = compare(compare(new Map(), unknown(1)).after, well(2))
    assert.equal(after.size, 0)
  })

  it('tells partitions of one name in two stores apart', () => {
    const both = { ...roundOf(1, [row(0, 'expired'), row(0, 'valid', { store: 'groups' })]) }
    const { changes } = compare(new Map(), both)
    assert.deepEqual(
      changes.map(({ store, subject }) => [store, subject]),
      [['keeper', 'main/keeper/billing/orders/0']],
    )
  })

  it('says when, since when and why', () => {
    const { after } = compare(new Map(), bad(1_000))
    const [resolved] = compare(compare(after, well(2_000)).after, well(3_000)).changes
    assert.deepEqual(
      [resolved?.since, resolved?.at, resolved?.evidence, resolved?.verdict, resolved?.committedOffset, resolved?.lag],
      [1_000, 3_000, ['it is valid'], 'expired', 50, 50],
    )
  })
})
