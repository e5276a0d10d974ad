import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import * as fc from 'fast-check'
import type { EpochEnd } from '../../src/core/facts.ts'
import type { EpochStart } from '../../src/core/position.ts'
import { epochsIn, olderEpoch } from '../../src/kafka/history.ts'

/** What a leader answers whose log has these epochs, oldest first: KAFKA.md. */
function answer(history: readonly EpochStart[], asked: number, logEnd: number): EpochEnd {
  const known = history.findLast(({ epoch }) => epoch <= asked)
  const next = history.find(({ epoch }) => epoch > asked)
  return { asked, epoch: known?.epoch ?? asked, endOffset: next?.startOffset ?? logEnd }
}

/** Asks until nothing is left to ask. */
function learn(history: readonly EpochStart[], fromOffset: number, untilOffset: number) {
  const current = history.at(-1)?.epoch ?? 0
  const ends: EpochEnd[] = []
  for (let asked = olderEpoch(current, fromOffset, ends); asked !== undefined; asked = olderEpoch(current, fromOffset, ends))
    ends.push(answer(history, asked, 1_000))
  return { ...epochsIn({ topic: 't', partition: 0, fromOffset, untilOffset }, current, ends), requests: ends.length }
}

const HISTORY = [
  { epoch: 2, startOffset: 10 },
  { epoch: 5, startOffset: 40 },
  { epoch: 6, startOffset: 70 },
]

describe('the epochs of a range', () => {
  it('are the current one alone, at one request, where it begins below the range', () => {
    assert.deepEqual(learn(HISTORY, 80, 90), { epochs: [{ epoch: 6, startOffset: 80 }], isWhole: true, requests: 1 })
  })

  it('are not the current one where that begins behind the range', () => {
    assert.deepEqual(learn(HISTORY, 45, 60), { epochs: [{ epoch: 5, startOffset: 45 }], isWhole: true, requests: 2 })
    assert.deepEqual(learn(HISTORY, 45, 70).epochs, [{ epoch: 5, startOffset: 45 }])
  })

  it('are all that the range lies in, each from its first offset on', () => {
    assert.deepEqual(learn(HISTORY, 20, 90).epochs, [
      { epoch: 2, startOffset: 20 },
      { epoch: 5, startOffset: 40 },
      { epoch: 6, startOffset: 70 },
    ])
  })

  it('cost nothing to know of a log that had one leader', () => {
    assert.deepEqual(learn([{ epoch: 0, startOffset: 0 }], 5, 9), { epochs: [{ epoch: 0, startOffset: 5 }], isWhole: true, requests: 0 })
  })

  it('are said to be not all where the leader knows none so old', () => {
    assert.deepEqual(learn(HISTORY.slice(1), 20, 90), {
      epochs: [
        { epoch: 5, startOffset: 40 },
        { epoch: 6, startOffset: 70 },
      ],
      isWhole: false,
      requests: 3,
    })
  })

  it('are not followed without end', () => {
    const history = Array.from({ length: 100 }, (_, epoch) => ({ epoch, startOffset: epoch * 10 }))
    const { epochs, isWhole, requests } = learn(history, 5, 1_000)
    assert.deepEqual([requests, isWhole, epochs.length, epochs[0]], [8, false, 8, { epoch: 92, startOffset: 920 }])
    assert.deepEqual(learn(history, 5, 500).epochs, [])
  })

  it('never name an epoch that an offset of the range is not in', () => {
    const anyHistory = fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 30 })), { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(anyHistory, fc.nat(200), fc.integer({ min: 1, max: 200 }), (steps, fromOffset, size) => {
        let [epoch, startOffset] = [-1, 0]
        const history = steps.map(([epochs, offsets], index) => {
          epoch += epochs
          if (index > 0) startOffset += offsets
          return { epoch, startOffset }
        })
        const epochAt = (offset: number): number | undefined => history.findLast((one) => one.startOffset <= offset)?.epoch
        const { epochs, isWhole } = learn(history, fromOffset, fromOffset + size)
        for (const one of epochs) assert.equal(epochAt(one.startOffset), one.epoch)
        if (epochs.length > 0) assert.equal(epochs.at(-1)?.epoch, epochAt(fromOffset + size - 1))
        if (isWhole) assert.equal(epochs[0]?.startOffset, fromOffset)
      }),
    )
  })
})
