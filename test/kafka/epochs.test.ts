import { Writer } from '@platformatic/kafka'
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { EpochStart } from '../../src/core/position.ts'
import { walkBack, type Walk } from '../../src/kafka/epochs.ts'
import { nextEpoch } from '../../src/kafka/walk.ts'
import type { Send } from '../../src/kafka/leaders.ts'
import { sendTo } from './leader.ts'

/** A leader whose log has these epochs, oldest first, up to an end; it answers as KAFKA.md says that brokers do, and counts. */
function leaderWith(history: readonly EpochStart[], logEnd: number): { send: Send; requests: () => number } {
  let requests = 0
  const endOf = (asked: number): [epoch: number, endOffset: bigint] => {
    const newest = history.at(-1)
    if (newest === undefined || asked > newest.epoch) return [-1, -1n]
    const next = history.find(({ epoch }) => epoch > asked)
    const known = history.findLast(({ epoch }) => epoch <= asked)
    return [known?.epoch ?? asked, BigInt(next?.startOffset ?? logEnd)]
  }
  const send = sendTo((request) => {
    requests += 1
    request.readInt32()
    const topics = request.readArray((topic) => ({
      name: topic.readString(),
      partitions: topic.readArray((row) => [row.readInt32(), row.readInt32(), row.readInt32()] as const),
    }))
    return Writer.create()
      .appendInt32(0)
      .appendArray(topics, (answer, { name, partitions }) =>
        answer.appendString(name).appendArray(partitions, (row, [partition, , asked]) => {
          const [epoch, endOffset] = endOf(asked)
          row.appendInt16(0).appendInt32(partition).appendInt32(epoch).appendInt64(endOffset)
        }),
      )
      .appendTaggedFields()
  })
  return { send, requests: () => requests }
}

function walk(epochs: readonly EpochStart[], offset?: number): Walk {
  return { topic: 't', partition: 0, leaderEpoch: 9, next: (ends) => nextEpoch(epochs, offset, ends), ends: [] }
}

describe('walking back the stored epochs', () => {
  it('asks once where the histories agree', async () => {
    const leader = leaderWith(
      [
        { epoch: 3, startOffset: 0 },
        { epoch: 4, startOffset: 40 },
      ],
      100,
    )
    const agreeing = walk(
      [
        { epoch: 3, startOffset: 0 },
        { epoch: 4, startOffset: 40 },
      ],
      60,
    )
    await walkBack(leader.send, [agreeing])
    assert.deepEqual(agreeing.ends, [{ asked: 4, epoch: 4, endOffset: 100 }])
    assert.equal(leader.requests(), 1)
  })

  it('finds the older epoch that both have where the newest is the reader’s alone', async () => {
    const leader = leaderWith(
      [
        { epoch: 3, startOffset: 0 },
        { epoch: 7, startOffset: 60 },
      ],
      80,
    )
    const diverging = walk(
      [
        { epoch: 1, startOffset: 0 },
        { epoch: 3, startOffset: 20 },
        { epoch: 4, startOffset: 40 },
      ],
      70,
    )
    await walkBack(leader.send, [diverging])
    assert.deepEqual(diverging.ends, [
      { asked: 4, epoch: 3, endOffset: 60 },
      { asked: 3, epoch: 3, endOffset: 60 },
    ])
  })

  it('goes on where the newest epoch is shared and was cut below the offset', async () => {
    const leader = leaderWith(
      [
        { epoch: 4, startOffset: 0 },
        { epoch: 5, startOffset: 50 },
      ],
      80,
    )
    const cut = walk(
      [
        { epoch: 2, startOffset: 0 },
        { epoch: 4, startOffset: 10 },
      ],
      70,
    )
    await walkBack(leader.send, [cut])
    assert.deepEqual(cut.ends, [
      { asked: 4, epoch: 4, endOffset: 50 },
      { asked: 2, epoch: 2, endOffset: 0 },
    ])
  })

  it('asks in one request for all partitions, and twice for two groups of one partition', async () => {
    const leader = leaderWith([{ epoch: 0, startOffset: 0 }], 100)
    const [mine, theirs] = [walk([{ epoch: 0, startOffset: 0 }]), walk([{ epoch: 5, startOffset: 0 }])]
    const others = Array.from({ length: 100 }, (_, partition) => ({
      ...walk([{ epoch: 0, startOffset: 0 }]),
      partition: partition + 1,
      ends: [],
    }))
    await walkBack(leader.send, [mine, theirs, ...others])
    assert.equal(leader.requests(), 2)
    assert.deepEqual(mine.ends, [{ asked: 0, epoch: 0, endOffset: 100 }])
    assert.deepEqual(theirs.ends, [{ asked: 5, epoch: -1, endOffset: -1 }])
    assert.ok(others.every(({ ends }) => ends.length === 1))
  })

  it('asks nothing where nothing is stored', async () => {
    const leader = leaderWith([], 0)
    await walkBack(leader.send, [walk([])])
    assert.equal(leader.requests(), 0)
  })
})
