import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { keyOf } from '../../src/core/position.ts'
import type { Facts } from '../../src/core/facts.ts'
import type { Slice, Taken } from '../../src/kafka/log.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { MemoryLog } from '../../src/testing/memory-log.ts'

const limits = { maxRecords: 100, maxBytes: 1000, maxWaitMs: 0 }

function values({ slices }: Taken): string[] {
  return slices.flatMap(({ records }: Slice) => Array.from(records, ({ offset, value }) => `${offset}:${value?.toString()}`))
}

function spans({ slices }: Taken): string[] {
  return slices.map((slice) => `${keyOf(slice)} ${slice.fromOffset}-${slice.untilOffset} ${slice.recordCount}`)
}

describe('a log in memory', () => {
  let clock: ManualClock
  let log: MemoryLog

  beforeEach(() => {
    clock = new ManualClock(1000)
    log = new MemoryLog({ clock })
    log.createTopic('t', 2)
  })

  async function factsOf(question: Parameters<MemoryLog['facts']>[0][number]): Promise<Facts> {
    return (await log.facts([question]))[0] as Facts
  }

  const assign = (offset: number, more: { partition?: number; leaderEpoch?: number } = {}) => {
    const reader = log.reader()
    reader.assign({ topic: 't', partition: 0, offset, topicId: log.topic('t')?.topicId ?? '', ...more })
    return reader
  }

  it('tells facts of what is there, and what is not', async () => {
    log.partition('t').append({ value: 'a' }, { value: 'b' })
    log.partition('t').expire(1)
    const known = await factsOf({ topic: 't', partition: 0 })
    assert.ok(known.state === 'known')
    assert.deepEqual([known.logStartOffset, known.logEndOffset, known.leaderEpoch, known.topicId], [1, 2, 0, log.topic('t')?.topicId])
    assert.deepEqual(await factsOf({ topic: 't', partition: 5 }), {
      state: 'absent',
      topic: 't',
      partition: 5,
      clusterId: 'memory',
      partitionCount: 2,
      topicId: known.topicId,
    })
    assert.deepEqual(await factsOf({ topic: 'gone', partition: 0 }), { state: 'absent', topic: 'gone', partition: 0, clusterId: 'memory' })
    log.partition('t').loseLeader()
    assert.equal((await factsOf({ topic: 't', partition: 0 })).state, 'unknown')
    log.createTopic('t')
    const anew = await factsOf({ topic: 't', partition: 0 })
    assert.ok(anew.state === 'known' && anew.topicId !== known.topicId)
    log.setDown(true)
    await assert.rejects(log.topics(), { code: 'KAFKA_UNREACHABLE' })
  })

  it('answers for epochs as KAFKA.md found that brokers do', async () => {
    const partition = log.partition('t')
    partition.append(...Array.from({ length: 40 }, () => ({ value: 'shared' })))
    partition.elect(2)
    partition.append(...Array.from({ length: 20 }, () => ({ value: 'lost' })))
    partition.truncate(50)
    const epochs = [
      { epoch: 0, startOffset: 0 },
      { epoch: 1, startOffset: 40 },
    ]
    const facts = await factsOf({ topic: 't', partition: 0, offset: 60, epochs })
    assert.ok(facts.state === 'known')
    assert.deepEqual(facts.epochEnds, [
      { asked: 1, epoch: 1, endOffset: 50 },
      { asked: 0, epoch: 0, endOffset: 40 },
    ])
    assert.deepEqual(partition.endOf(9), { asked: 9, epoch: -1, endOffset: -1 })
    partition.expire(45)
    assert.deepEqual(partition.endOf(0), { asked: 0, epoch: 0, endOffset: 45 })
  })

  it('finds offsets by time', async () => {
    log.partition('t').append({ value: 'a', timestamp: 10 }, { value: 'b', timestamp: 20 })
    const at = async (timestamp: number) => (await log.offsetsAt([{ topic: 't', partition: 0, timestamp }]))[0]
    assert.deepEqual(await at(15), { state: 'known', topic: 't', partition: 0, offset: 1 })
    assert.deepEqual(await at(25), { state: 'known', topic: 't', partition: 0, offset: null })
  })

  it('is read within limits, over gaps, with each partition in its turn', async () => {
    const [first, second] = [log.partition('t', 0), log.partition('t', 1)]
    first.append({ value: 'a' }, { value: 'b' }, { value: 'c' })
    first.appendGap(2)
    second.append({ value: 'x' }, { value: 'y' })
    const reader = assign(1)
    reader.assign({ topic: 't', partition: 1, offset: 0, topicId: log.topic('t')?.topicId ?? '' })
    await clock.advance(0)
    assert.deepEqual(spans(await reader.take({ ...limits, maxRecords: 2 })), ['t-0 1-2 1', 't-1 0-1 1'])
    assert.deepEqual(spans(await reader.take({ ...limits, until: new Map([['t-1', 1]]) })), ['t-0 2-5 1'])
    assert.deepEqual(spans(await reader.take({ ...limits, skip: new Set(['t-1']) })), [])
    assert.deepEqual(values(await reader.take(limits)), ['1:y'])
  })

  it('hides markers and aborted transactions, and holds back what is open or not replicated', async () => {
    const partition = log.partition('t')
    const [committed, aborted, open] = [partition.begin(), partition.begin(), partition.begin()]
    partition.appendIn(aborted, { value: 'never' })
    partition.appendIn(committed, { value: 'a' })
    partition.end(aborted, 'aborted')
    partition.end(committed, 'committed')
    partition.appendIn(open, { value: 'b' })
    partition.append({ value: 'c' })
    const reader = assign(0)
    await clock.advance(0)
    const taken = await reader.take(limits)
    assert.deepEqual([spans(taken), values(taken)], [['t-0 0-4 1'], ['1:a']])
    partition.replicate(false)
    partition.end(open, 'committed')
    assert.deepEqual([partition.logEndOffset, partition.lastStableOffset], [6, 6])
    await clock.advance(0)
    assert.deepEqual(values(await reader.take(limits)), ['4:b', '5:c'])
  })

  it('reads ahead within its bounds: what is buffered is handed out though it is removed by now', async () => {
    const value = 'x'.repeat(39)
    for (let count = 0; count < 20; count++) log.partition('t').append({ value })
    const reader = log.reader({ isolation: 'read_committed', maxBufferedBytes: 500 })
    reader.assign({ topic: 't', partition: 0, offset: 0, topicId: log.topic('t')?.topicId ?? '' })
    await clock.advance(0)
    log.partition('t').expire(20)
    assert.deepEqual(spans(await reader.take({ ...limits, maxBytes: 10_000 })), ['t-0 0-5 5'])
    await clock.advance(0)
    assert.deepEqual(
      (await reader.take(limits)).disputes.map(({ reason }) => reason),
      ['OFFSET_OUT_OF_RANGE'],
    )
  })

  it('hands out what is before a batch that can’t be read, then says which it is', async () => {
    log.partition('t').append({ value: 'a' })
    log.partition('t').append({ value: 'b' }, { value: 'c' })
    log.partition('t').damage(2)
    const reader = assign(0)
    await clock.advance(0)
    const taken = await reader.take(limits)
    assert.deepEqual(values(taken), ['0:a'])
    const [dispute] = taken.disputes
    assert.deepEqual([dispute?.reason, dispute?.unreadable?.fromOffset, dispute?.unreadable?.untilOffset], ['RECORD_CORRUPT', 1, 3])
  })

  it('makes a reader wait for records, for a leader and for the cluster', async () => {
    const reader = assign(0)
    const taken = reader.take({ ...limits, maxWaitMs: 50 })
    log.partition('t').append({ value: 'a' })
    assert.deepEqual(values(await taken), ['0:a'])
    const nothing = reader.take({ ...limits, maxWaitMs: 50 })
    await clock.advance(50)
    assert.deepEqual(values(await nothing), [])
    const waitsFor = async () => (await reader.take(limits)).waiting.map(({ reason }) => reason)
    log.partition('t').loseLeader()
    await clock.advance(200)
    assert.deepEqual(await waitsFor(), ['NO_LEADER'])
    log.setDown(true)
    await clock.advance(1_000)
    assert.match((await waitsFor())[0] ?? '', /^broker 1: connection refused/)
    log.setDown(false)
    log.partition('t').elect(1)
    log.partition('t').append({ value: 'b' })
    await clock.advance(2_000)
    assert.deepEqual(values(await reader.take(limits)), ['1:b'])
    assert.deepEqual(await waitsFor(), [])
  })

  it('hands out planned ranges exactly, once they are there', async () => {
    const reader = assign(0)
    log.partition('t').append({ value: 'a' })
    const taken = reader.takeRanges([{ topic: 't', partition: 0, fromOffset: 0, untilOffset: 2 }])
    log.partition('t').append({ value: 'b' }, { value: 'c' })
    await clock.advance(0)
    assert.deepEqual(spans(await taken), ['t-0 0-2 2'])
    assert.deepEqual(values(await reader.take(limits)), ['2:c'])
  })

  for (const [reason, happen] of [
    ['UNKNOWN_TOPIC_OR_PARTITION', () => log.deleteTopic('t')],
    ['TOPIC_ID_CHANGED', () => log.createTopic('t')],
    ['OFFSET_OUT_OF_RANGE', () => log.partition('t').expire(3)],
    ['DIVERGING_EPOCH', () => log.partition('t').truncate(1)],
  ] as const) {
    it(`sends a partition back with ${reason}`, async () => {
      log.partition('t').append({ value: 'a' }, { value: 'b' })
      const reader = assign(0)
      await clock.advance(0)
      await reader.take(limits)
      log.setDown(true)
      await clock.advance(1_000)
      log.partition('t').append({ value: 'c' }, { value: 'd' })
      happen()
      log.setDown(false)
      await clock.advance(2_000)
      const taken = await reader.take(limits)
      assert.deepEqual(
        taken.disputes.map((dispute) => dispute.reason),
        [reason],
      )
      assert.deepEqual((await reader.take(limits)).disputes, [])
    })
  }

  it('is asked by several clients, each with a network of its own, and brokers that hear late', async () => {
    log = new MemoryLog({ clock, brokers: 2 })
    log.createTopic('t')
    log.partition('t').append({ value: 'a' })
    let outcome: 'answered' | 'refused' | 'unanswered' = 'refused'
    const client = log.connect({ network: ({ broker }) => ({ thereMs: 1, backMs: 1, outcome: broker === 1 ? outcome : 'answered' }) })
    const ask = async () => {
      const facts = client.facts([{ topic: 't', partition: 0 }])
      await clock.advance(60_000)
      const [one] = await facts
      return one?.state === 'unknown' ? one.reason : one?.state
    }
    assert.equal(await ask(), 'UNREACHABLE', 'the other broker says who leads, and the leader is not reached')
    outcome = 'unanswered'
    assert.equal(await ask(), 'TIMED_OUT')
    outcome = 'answered'
    assert.equal(await ask(), 'known')
    await clock.advance(1_000_000)
    log.setLag(1, 1_000_000)
    log.setLag(2, 1_000_000)
    log.partition('t').isolate()
    log.partition('t').truncate(0, 2)
    assert.equal(await ask(), 'known', 'the old leader goes on answering, as its old self')
    log.partition('t').rejoin()
    assert.equal(await ask(), 'NOT_LEADER_OR_FOLLOWER')
    log.setLag(1, 0)
    log.setLag(2, 0)
    assert.equal(await ask(), 'known')
  })

  it('answers as late as it is told to, on the test’s clock', async () => {
    log.answerMs = 100
    let isThere = false
    const answer = log.topics().then(() => (isThere = true))
    await clock.advance(99)
    assert.equal(isThere, false)
    await clock.advance(1)
    await answer
  })
})
