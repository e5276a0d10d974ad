import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import { shareOut } from '../../src/core/share.ts'
import type { Backlog } from '../../src/core/share.ts'

function backlogs(...sizes: readonly number[]): Backlog[] {
  return sizes.map((size, partition) => ({ topic: 't', partition, fromOffset: 100, endOffset: 100 + size, servedAt: partition }))
}

function shares(sizes: readonly number[], maxRecords: number): number[] {
  return shareOut(backlogs(...sizes), maxRecords).map(({ fromOffset, untilOffset }) => untilOffset - fromOffset)
}

describe('sharing out', () => {
  it('gives each partition the same, and what one leaves to the others', () => {
    assert.deepEqual(shares([1_000, 1_000, 1_000], 30), [10, 10, 10])
    assert.deepEqual(shares([4, 1_000, 0, 1_000], 30), [4, 13, 0, 13])
    assert.deepEqual(shares([5, 7], 30), [5, 7])
  })

  it('serves those that have waited longest where there is not one for each', () => {
    const waiting = backlogs(9, 9, 9).map((backlog, index) => ({ ...backlog, servedAt: [30, 10, undefined][index] }))
    const given = shareOut(waiting, 2).map(({ untilOffset }) => untilOffset - 100)
    assert.deepEqual(given, [0, 1, 1])
  })

  it('hands out all there is or all that may be, and to no one less than half of another who wants more', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -3, max: 50 }), { maxLength: 20 }), fc.integer({ min: 0, max: 300 }), (sizes, maxRecords) => {
        const given = shares(sizes, maxRecords)
        const wanted = sizes.map((size) => Math.max(0, size))
        const total = wanted.reduce((sum, size) => sum + size, 0)
        assert.equal(
          given.reduce((sum, share) => sum + share, 0),
          Math.min(total, maxRecords),
        )
        for (const [index, share] of given.entries()) {
          assert.ok(share <= (wanted[index] ?? 0))
          if (share < (wanted[index] ?? 0)) assert.ok(given.every((other) => other <= share + 1))
        }
      }),
    )
  })
})
