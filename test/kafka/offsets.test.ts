import { Writer } from '@platformatic/kafka'
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Failure } from '../../src/kafka/leaders.ts'
import { askOffsets, askTimedRecords, EARLIEST } from '../../src/kafka/offsets.ts'
import { Roster } from '../../src/kafka/roster.ts'
import { sendTo } from './leader.ts'

interface Row {
  readonly partition: number
  readonly epoch: number
  readonly time: bigint
}

type Said = readonly [partition: number, errorCode: number, time: bigint, offset: bigint]

/** A leader that notes what it is asked, and answers with these rows, the topics in the opposite order. */
function leader(answer: (topic: string, rows: readonly Row[]) => Said[]) {
  const asked: { isolation: number; topics: readonly { name: string; rows: readonly Row[] }[] }[] = []
  const send = sendTo((request) => {
    assert.equal(request.readInt32(), -1)
    const isolation = request.readInt8()
    const topics = request.readArray((topic) => ({
      name: topic.readString(),
      rows: topic.readArray((row) => ({ partition: row.readInt32(), epoch: row.readInt32(), time: row.readInt64() })),
    }))
    request.readTaggedFields()
    assert.equal(request.remaining, 0)
    asked.push({ isolation, topics })
    return Writer.create()
      .appendInt32(0)
      .appendArray(topics.toReversed(), (to, { name, rows }) =>
        to.appendString(name).appendArray(answer(name, rows), (row, [partition, errorCode, time, offset]) => {
          row.appendInt32(partition).appendInt16(errorCode).appendInt64(time).appendInt64(offset).appendInt32(0)
        }),
      )
      .appendTaggedFields()
  })
  return { send, asked }
}

function places(topic: string, count: number) {
  return Array.from({ length: count }, (_, partition) => ({ topic, partition, leaderEpoch: 7 }))
}

describe('asking a leader for offsets', () => {
  it('names each topic once, and finds its partitions in whatever order they come', async () => {
    const { send, asked } = leader((topic, rows) =>
      rows.toReversed().map(({ partition }) => [partition, 0, -1n, BigInt(topic.length * 1000 + partition)]),
    )
    const [first, second] = [places('a', 300), places('a-topic-of-200-letters'.padEnd(200, '-'), 2)]
    const items = [...first.slice(0, 2), ...second, ...first.slice(2)]
    const offsets = await askOffsets(send, new Roster(items), () => EARLIEST, 'read_committed')
    assert.deepEqual(
      offsets,
      items.map(({ topic, partition }) => topic.length * 1000 + partition),
    )
    const [request] = asked
    assert.equal(request?.isolation, 1)
    assert.deepEqual(
      request?.topics.map(({ rows }) => rows.length),
      [300, 2],
    )
    assert.ok(request?.topics.every(({ rows }) => rows.every(({ epoch, time }) => epoch === 7 && time === -2n)))
  })

  it('takes the largest offset there is exactly, and none beyond it', async () => {
    const largest = BigInt(Number.MAX_SAFE_INTEGER)
    const { send } = leader(() => [
      [0, 0, -1n, largest],
      [1, 0, -1n, largest + 1n],
      [2, 0, -1n, 2n ** 63n - 1n],
      [3, 0, -1n, -1n],
      [4, 0, -1n, -2n],
      [5, 6, -1n, -1n],
    ])
    const [safe, ...others] = await askOffsets(send, new Roster(places('t', 7)), () => EARLIEST)
    assert.equal(safe, Number.MAX_SAFE_INTEGER)
    assert.deepEqual(
      others.map((answer) => (answer instanceof Failure ? answer.reason : answer)),
      ['INVALID_OFFSET', 'INVALID_OFFSET', null, 'INVALID_OFFSET', 'NOT_LEADER_OR_FOLLOWER', 'NO_ANSWER'],
    )
    assert.match(others[1] instanceof Failure ? (others[1].detail ?? '') : '', /9223372036854775807/)
  })

  it('writes times as they are, special ones and those beyond 32 bits too', async () => {
    const times = [EARLIEST, 0, 1_700_000_000_000, Number.MAX_SAFE_INTEGER]
    const { send, asked } = leader((_topic, rows) => rows.map(({ partition }) => [partition, 0, -1n, 0n]))
    await askOffsets(send, new Roster(places('t', times.length)), ({ partition }) => times[partition] ?? 0)
    assert.deepEqual(
      asked[0]?.topics[0]?.rows.map(({ time }) => Number(time)),
      times,
    )
  })

  it('passes over what was not asked about', async () => {
    const { send } = leader(() => [
      [8, 0, 5n, 80n],
      [0, 0, 1_700_000_000_000n, 12n],
    ])
    assert.deepEqual(await askTimedRecords(send, new Roster(places('t', 1)), () => 3), [{ offset: 12, recordTime: 1_700_000_000_000 }])
  })
})
