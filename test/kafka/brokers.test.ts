import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { LabAdmin } from '../../lab/admin.ts'
import { kafkaFrames } from '../../lab/frames.ts'
import { startKafka, type KafkaCluster } from '../../lab/kafka.ts'
import { startProxy } from '../../lab/proxy.ts'
import { waitFor } from '../../lab/wait.ts'
import type { Facts, KnownFacts } from '../../src/core/facts.ts'
import type { Margin } from '../../src/core/margin.ts'
import { connect } from '../../src/kafka/connect.ts'
import type { FactsQuestion, Log } from '../../src/kafka/log.ts'
import { readMargins } from '../../src/verbs/margin.ts'
import { requestsOf } from './requests.ts'

const metadata = 3

function brief(facts: Facts): string {
  if (facts.state === 'known') return `${facts.logStartOffset}..${facts.logEndOffset} of ${facts.leaderId}`
  return facts.state === 'unknown' ? facts.reason : facts.state
}

describe('facts of several brokers', { timeout: 300_000 }, () => {
  let kafka: KafkaCluster
  let admin: LabAdmin
  let log: Log

  before(async () => {
    kafka = await startKafka({ brokers: 3 })
    admin = new LabAdmin(kafka.bootstrapServers)
    log = await connect({ bootstrapServers: kafka.bootstrapServers, timeoutMs: 9000 })
    await admin.createTopic('spread', { replicas: [[1], [2], [3]] })
  })

  after(async () => {
    await log?.close()
    await admin?.close()
    await kafka?.close()
  })

  async function knownFacts(question: FactsQuestion): Promise<KnownFacts> {
    return waitFor(`facts of ${question.topic}`, async () => {
      const [facts] = await log.facts([question])
      return facts?.state === 'known' && facts
    })
  }

  it('margins are asked of each leader about its own partitions alone, and are not known of one without a leader', async () => {
    await admin.createTopic('kept', { replicas: [[1], [2], [3]], configs: { 'retention.ms': 3_600_000, 'retention.bytes': 1_000_000 } })
    const now = Date.now()
    const made = [0, 1, 2].flatMap((partition) =>
      [1, 2].map((value) => ({ topic: 'kept', partition, value: `${value}`, timestamp: now - 60_000 })),
    )
    await admin.produce(made)
    const questions = [0, 1, 2].map((partition) => ({ topic: 'kept', partition, offset: 0, logStartOffset: 0, logEndOffset: 2 }))
    let margins: Margin[] = []
    const sent = await requestsOf(async () => (margins = await readMargins(log, questions, { now })))
    assert.deepEqual(
      margins.map(({ byTimeMs }) => byTimeMs),
      [3_540_000, 3_540_000, 3_540_000],
    )
    for (const name of ['DescribeConfigs', 'DescribeLogDirs']) {
      const ports = sent.filter((one) => one.name === name).map(({ port }) => port)
      assert.deepEqual(
        ports.toSorted((one, other) => one - other),
        kafka.brokers.map(({ port }) => port).toSorted((one, other) => one - other),
      )
    }
    await kafka.broker(3).kill()
    const without = await readMargins(log, questions, { now })
    assert.deepEqual(
      without.map(({ byTimeMs }) => byTimeMs),
      [3_540_000, 3_540_000, null],
    )
    assert.match(without[2]?.evidence.join() ?? '', /retention not known: (UNREACHABLE|NO_LEADER)/)
    await kafka.broker(3).start()
  })

  it('know the epochs of a log whose leader changed', async () => {
    await admin.createTopic('led', { replicas: [[1, 2]] })
    await admin.produce([
      { topic: 'led', partition: 0, value: 'a' },
      { topic: 'led', partition: 0, value: 'b' },
    ])
    const { leaderEpoch: first } = await knownFacts({ topic: 'led', partition: 0 })
    await kafka.broker(1).kill()
    await admin.produce([{ topic: 'led', partition: 0, value: 'c' }])
    const question = { topic: 'led', partition: 0, offset: 2, epochs: [{ epoch: first, startOffset: 0 }] }
    const facts = await knownFacts(question)
    assert.equal(facts.leaderId, 2)
    assert.ok(facts.leaderEpoch > first)
    assert.deepEqual(facts.epochEnds, [{ asked: first, epoch: first, endOffset: 2 }])
    const [whole, old] = await log.epochs([
      { topic: 'led', partition: 0, fromOffset: 0, untilOffset: 3 },
      { topic: 'spread', partition: 2, fromOffset: 5, untilOffset: 7 },
    ])
    assert.deepEqual(whole?.state === 'known' && [whole.isWhole, whole.epochs, whole.topicId], [
      true,
      [
        { epoch: first, startOffset: 0 },
        { epoch: facts.leaderEpoch, startOffset: 2 },
      ],
      facts.topicId,
    ])
    assert.deepEqual(old?.state === 'known' && old.epochs.map(({ startOffset }) => startOffset), [5])
    await kafka.broker(1).start()
  })

  it('walk back a log that was cut by an unclean election', async () => {
    const place = { topic: 'cut', partition: 0 }
    const write = (values: string) => admin.produce(values.split('').map((value) => ({ ...place, value })))
    await admin.createTopic('cut', { replicas: [[2, 3]], configs: { 'unclean.leader.election.enable': true, 'min.insync.replicas': 1 } })
    await write('ab')
    const { leaderEpoch: shared } = await knownFacts(place)
    await kafka.broker(3).stop()
    await kafka.broker(2).restart() // a new epoch, which broker 3 knows nothing of
    await write('cdef')
    const { leaderEpoch: lost } = await knownFacts(place)
    await kafka.broker(2).kill()
    await kafka.broker(3).start()
    await waitFor('broker 3 to lead', async () => (await log.facts([place])).map(brief).join().endsWith('of 3'))
    await write('ghij')
    await kafka.broker(2).start()
    const epochs = [
      { epoch: shared, startOffset: 0 },
      { epoch: lost, startOffset: 2 },
    ]
    const { epochEnds } = await knownFacts({ ...place, offset: 6, epochs })
    assert.ok(lost > shared)
    assert.deepEqual(epochEnds, [
      { asked: lost, epoch: shared, endOffset: 2 },
      { asked: shared, epoch: shared, endOffset: 2 },
    ])
    const range = { ...place, fromOffset: 0, untilOffset: 2 }
    const [below] = await log.epochs([range])
    assert.deepEqual(below?.state === 'known' && below.epochs, [{ epoch: shared, startOffset: 0 }])
    const [whole] = await log.epochs([{ ...range, untilOffset: 6 }])
    assert.deepEqual(whole?.state === 'known' && whole.epochs.map(({ startOffset }) => startOffset), [0, 2])
    assert.deepEqual(await log.epochs([{ ...range, topic: 'gone' }]), [
      { state: 'unknown', topic: 'gone', partition: 0, reason: 'UNKNOWN_TOPIC_OR_PARTITION' },
    ])
  })

  it('stay known for the others while one broker is away, and come back with it', async () => {
    const questions = [1, 2, 3].map((broker) => ({ topic: 'spread', partition: broker - 1 }))
    await kafka.broker(2).kill()
    await waitFor('the cluster to miss broker 2', async () => (await log.facts(questions)).map(brief)[1] === 'NO_LEADER')
    assert.deepEqual((await log.facts(questions)).map(brief), ['0..0 of 1', 'NO_LEADER', '0..0 of 3'])
    await kafka.broker(2).start()
    await waitFor('broker 2 to lead again', async () => (await log.facts(questions)).map(brief)[1] === '0..0 of 2')
  })

  it('stay known for the others while one broker hangs, even the one that is asked first', async () => {
    const questions = [1, 2, 3].map((broker) => ({ topic: 'spread', partition: broker - 1 }))
    const port = (await requestsOf(() => log.facts(questions))).at(-1)?.port
    const hanging = kafka.brokers.find((broker) => broker.port === port)
    assert.ok(hanging)
    hanging.pause()
    await waitFor('only the partition of the hanging broker to be unknown', async () => {
      const states = (await log.facts(questions)).map(({ state }) => state)
      return states.every((state, index) => state === (index === hanging.id - 1 ? 'unknown' : 'known'))
    })
    hanging.resume()
    await waitFor('all to be known again', async () => (await log.facts(questions)).every(({ state }) => state === 'known'))
  })

  it('are asked again where the metadata was old', async () => {
    const place = { topic: 'moved', partition: 0 }
    await admin.createTopic('moved', { replicas: [[1, 2]] })
    await waitFor('broker 3 to know of the topic', async () => {
      await using third = await connect({ bootstrapServers: `127.0.0.1:${kafka.broker(3).port}` })
      return (await third.facts([place])).map(brief)[0] === '0..0 of 1'
    })
    await using proxy = await startProxy({ target: kafka.broker(3).port, protocol: kafkaFrames })
    await using behind = await connect({ bootstrapServers: proxy.address })
    const held = proxy.hold(metadata, 'replies')
    const asked = behind.facts([place])
    await held.arrived
    await kafka.broker(1).kill()
    await waitFor('broker 2 to lead', async () => (await log.facts([place])).map(brief)[0] === '0..0 of 2')
    held.release()
    assert.deepEqual((await asked).map(brief), ['0..0 of 2'])
    await kafka.broker(1).start()
  })

  it('ask another broker for the second look', async () => {
    const ports = new Set<number>()
    for (let look = 0; look < 3; look++) {
      const sent = await requestsOf(() => log.facts([{ topic: 'gone', partition: 0 }], { elsewhere: true }))
      assert.equal(sent.length, 1)
      for (const { port } of sent) ports.add(port)
    }
    assert.equal(ports.size, 3)
  })

  it('take a number of requests that depends on the brokers, not on the partitions', async () => {
    const topics = ['r0', 'r1', 'r2', 'r3']
    for (const topic of topics)
      await admin.createTopic(topic, { replicas: Array.from({ length: 500 }, (_, partition) => [(partition % 3) + 1]) })
    const questions = topics.flatMap((topic) =>
      Array.from({ length: 500 }, (_, partition) => ({ topic, partition, epochs: [{ epoch: 0, startOffset: 0 }] })),
    )
    const sent = await requestsOf(async () => {
      const facts = await log.facts(questions)
      assert.ok(facts.every(({ state }) => state === 'known'))
    })
    const perBroker = ['ListOffsets', 'ListOffsets', 'OffsetForLeaderEpoch']
    const expected = ['Metadata', ...perBroker, ...perBroker, ...perBroker, 'Metadata'].toSorted()
    assert.deepEqual(sent.map(({ name }) => name).toSorted(), expected)
    const ofRanges = await requestsOf(() => log.epochs(questions.map((place) => ({ ...place, fromOffset: 0, untilOffset: 1 }))))
    // Of partitions that never had another leader no broker has to be asked.
    assert.deepEqual(
      ofRanges.map(({ name }) => name),
      ['Metadata', 'Metadata'],
    )
  })
})
