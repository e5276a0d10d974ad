import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { LabAdmin } from '../../lab/admin.ts'
import { startKafka, type KafkaCluster } from '../../lab/kafka.ts'
import { waitFor } from '../../lab/wait.ts'
import type { Facts } from '../../src/core/facts.ts'
import { connect } from '../../src/kafka/connect.ts'
import type { Log } from '../../src/kafka/log.ts'
import { requestsOf } from './requests.ts'

/** What matters of facts to most tests, short. */
function brief(facts: Facts): string {
  if (facts.state === 'known') return `${facts.logStartOffset}..${facts.logEndOffset}`
  return facts.state === 'absent' ? `absent ${facts.partitionCount ?? ''}`.trim() : facts.reason
}

describe('facts of one broker', { timeout: 120_000 }, () => {
  let kafka: KafkaCluster
  let admin: LabAdmin
  let log: Log
  const ids = new Map<string, string>()

  before(async () => {
    // Asking must not create a topic even where the broker would.
    kafka = await startKafka({ properties: { 'auto.create.topics.enable': true } })
    admin = new LabAdmin(kafka.bootstrapServers)
    for (const topic of ['a', 'b']) ids.set(topic, await admin.createTopic(topic, { partitions: 3 }))
    for (let n = 0; n < 3; n++) await admin.produce([{ topic: 'a', partition: 1, value: `${n}`, timestamp: Date.now() - 60_000 * (3 - n) }])
    log = await connect({ bootstrapServers: kafka.bootstrapServers })
  })

  after(async () => {
    await log?.close()
    await admin?.close()
    await kafka?.close()
  })

  it('mix what is there with what is not, in order, and nothing spoils another’s', async () => {
    const partitions: [string, number][] = [
      ['a', 1],
      ['gone', 0],
      ['a', 7],
      ['a', -1],
      ['b', 2],
      ['not a name', 0],
      ['x'.repeat(40_000), 0],
      ['\ud800', 0],
      ['', 0],
      ['..', 0],
      ['a', 1],
    ]
    const facts = await log.facts(partitions.map(([topic, partition]) => ({ topic, partition })))
    assert.deepEqual(facts.map(brief), [
      '0..3',
      'absent',
      'absent 3',
      'absent 3',
      '0..0',
      'absent',
      'absent',
      'absent',
      'absent',
      'absent',
      '0..3',
    ])
    assert.deepEqual(
      facts.map(({ topic, partition }) => [topic, partition]),
      partitions,
    )
    const { clusterId } = kafka
    assert.deepEqual(facts[0], {
      state: 'known',
      topic: 'a',
      partition: 1,
      clusterId,
      topicId: ids.get('a'),
      leaderId: 1,
      leaderEpoch: 0,
      logStartOffset: 0,
      logEndOffset: 3,
      epochEnds: [],
    })
    assert.deepEqual(facts[1], { state: 'absent', topic: 'gone', partition: 0, clusterId })
    assert.deepEqual(facts[2], { state: 'absent', topic: 'a', partition: 7, clusterId, partitionCount: 3, topicId: ids.get('a') })
    assert.deepEqual(await log.facts([]), [])
  })

  it('describe topics, those named or all', async () => {
    const { clusterId } = kafka
    const described = await log.topics(['b', 'gone', 'not a name', 'b'])
    const known = { state: 'known', topic: 'b', topicId: ids.get('b'), clusterId, partitions: [0, 1, 2] }
    assert.deepEqual(described, [
      known,
      { state: 'absent', topic: 'gone', clusterId },
      { state: 'absent', topic: 'not a name', clusterId },
      known,
    ])
    assert.deepEqual(await log.topics([]), [])
    assert.deepEqual(
      (await log.topics()).map(({ topic }) => topic),
      ['a', 'b'],
    )
  })

  it('follow the log start when records are deleted', async () => {
    await admin.deleteRecords('a', 1, 2)
    assert.deepEqual((await log.facts([{ topic: 'a', partition: 1 }])).map(brief), ['2..3'])
  })

  it('say where the last stable offset is', async () => {
    await admin.createTopic('transactions')
    await admin.transact('open', [{ topic: 'transactions', partition: 0, value: 'x' }], 'leave open')
    const [facts] = await log.facts([{ topic: 'transactions', partition: 0 }], { lastStableOffset: true })
    assert.ok(facts?.state === 'known')
    assert.deepEqual([facts.logEndOffset, facts.lastStableOffset], [1, 0])
  })

  it('find offsets by time, also twice in one partition', async () => {
    const minute = 60_000
    const now = Date.now()
    const answers = await log.offsetsAt([
      { topic: 'a', partition: 1, timestamp: now - 1.5 * minute },
      { topic: 'a', partition: 1, timestamp: now + minute },
      { topic: 'a', partition: 1, timestamp: -5 },
      { topic: 'b', partition: 0, timestamp: 0 },
      { topic: 'gone', partition: 0, timestamp: 0 },
      { topic: 'a', partition: 9, timestamp: Number.MAX_VALUE },
    ])
    const found = answers.map((answer) => (answer.state === 'known' ? answer.offset : answer.reason))
    assert.deepEqual(found, [2, null, 2, null, 'UNKNOWN_TOPIC_OR_PARTITION', 'UNKNOWN_TOPIC_OR_PARTITION'])
    assert.deepEqual(await log.offsetsAt([]), [])
  })

  it('answer for stored epochs, per question, and drop what is no epoch', async () => {
    const epoch = (value: number) => ({ topic: 'a', partition: 1, offset: 3, epochs: [{ epoch: value, startOffset: 0 }] })
    const facts = await log.facts([epoch(0), epoch(5), epoch(2 ** 40), epoch(-1), epoch(0.5), { topic: 'a', partition: 1 }])
    const ends = facts.map((each) => (each.state === 'known' ? each.epochEnds : each.state))
    assert.deepEqual(ends, [[{ asked: 0, epoch: 0, endOffset: 3 }], [{ asked: 5, epoch: -1, endOffset: -1 }], [], [], [], []])
  })

  it('never create a topic', async () => {
    await log.facts([{ topic: 'never', partition: 0 }])
    await log.topics(['never'])
    await log.offsetsAt([{ topic: 'never', partition: 0, timestamp: 0 }])
    await admin.createTopic('shortlived')
    await admin.deleteTopic('shortlived')
    assert.deepEqual((await log.facts([{ topic: 'shortlived', partition: 0 }])).map(brief), ['absent'])
    const names = (await log.topics()).map(({ topic }) => topic)
    assert.ok(!names.includes('never') && !names.includes('shortlived'), names.join())
  })

  it('have another topic ID once the topic is made anew', async () => {
    const question = { topic: 'b', partition: 0 }
    const recreated = await admin.recreateTopic('b')
    const [facts] = await log.facts([question])
    assert.ok(facts?.state === 'known')
    assert.equal(facts.topicId, recreated)
    assert.notEqual(facts.topicId, ids.get('b'))
  })

  it('come in as many requests whatever the number of partitions', async () => {
    await admin.createTopic('wide', { partitions: 200 })
    const requestsFor = async (count: number): Promise<string[]> => {
      const questions = Array.from({ length: count }, (_, partition) => ({
        topic: 'wide',
        partition,
        epochs: [{ epoch: 0, startOffset: 0 }],
      }))
      return (await requestsOf(() => log.facts(questions))).map(({ name }) => name)
    }
    const expected = ['Metadata', 'ListOffsets', 'ListOffsets', 'OffsetForLeaderEpoch', 'Metadata']
    assert.deepEqual(await requestsFor(1), expected)
    assert.deepEqual(await requestsFor(200), expected)
  })

  it('are had again after the broker was down', async () => {
    await kafka.broker().stop()
    await assert.rejects(log.facts([{ topic: 'a', partition: 1 }]), {
      code: 'KAFKA_UNREACHABLE',
      message: new RegExp(`127.0.0.1:${kafka.broker().port}: connection refused`),
    })
    await kafka.broker().start()
    await waitFor('the broker to lead again', async () => brief((await log.facts([{ topic: 'a', partition: 1 }]))[0] as Facts) === '2..3')
  })
})
