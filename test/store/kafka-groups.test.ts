import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { javaArguments, quickStart } from '../../lab/java.ts'
import { startKafka, type KafkaCluster } from '../../lab/kafka.ts'
import { waitFor } from '../../lab/wait.ts'
import { positionOf } from '../../src/core/custody.ts'
import type { TidemarkError } from '../../src/errors.ts'
import { connect } from '../../src/kafka/connect.ts'
import { openStore } from '../../src/store/store.ts'
import { check } from '../../src/verbs/check.ts'
import { checkAll } from '../../src/verbs/check-all.ts'
import { reset } from '../../src/verbs/reset.ts'
import { tidemark } from '../cli/command.ts'
import { requestsOf } from '../kafka/requests.ts'
import { emptied, javaConsumer, kafkajsConsumer } from './kafka-consumers.ts'
import { commitRaw, GroupScene } from './kafka-scene.ts'
import { joinStreamsGroup } from './kafka-streams-member.ts'

/** What a move of a group's first partition is refused with. */
async function refusal(scene: GroupScene, group: string, topic: string): Promise<TidemarkError> {
  const moved = reset(scene.log, scene.store, { group, topics: [`${topic}:0`], target: { kind: 'to-earliest' }, execute: true })
  return moved.then(
    () => assert.fail('it was moved'),
    (error: TidemarkError) => error,
  )
}

describe('a Kafka group as a store, and who is in it', { timeout: 240_000 }, () => {
  let kafka: KafkaCluster
  let scene: GroupScene

  before(async () => {
    kafka = await startKafka({
      properties: {
        'group.coordinator.rebalance.protocols': 'classic,consumer,share,streams',
        'unstable.api.versions.enable': true,
        'unstable.feature.versions.enable': true,
        'share.coordinator.state.topic.replication.factor': 1,
        'share.coordinator.state.topic.min.isr': 1,
        'share.coordinator.state.topic.num.partitions': 1,
      },
    })
    scene = await GroupScene.on(kafka)
  })

  after(async () => {
    await scene?.close()
    await kafka?.close()
  })

  it('refuses to move while a classic consumer is in the group, naming it, and moves once it has left', async () => {
    const [group, topic] = ['classic', 'classic-topic']
    await scene.filled(topic)
    await commitRaw(kafka, group, { topic, partition: 0, offset: 7n })
    const consumer = await kafkajsConsumer(kafka, group, topic)
    const error = await refusal(scene, group, topic)
    assert.equal(error.code, 'GROUP_ACTIVE')
    assert.match(error.message, /kafka-consumer billing-app-[-\w]+ \(client ID billing-app\) on 127\.0\.0\.1 \(group classic\)/)
    assert.equal(positionOf(await scene.custody(group, topic))?.offset, 7)
    await consumer.close()
    await emptied(scene.groups, group)
    await reset(scene.log, scene.store, { group, topics: [`${topic}:0`], target: { kind: 'to-offset', offset: 2 }, execute: true })
    const position = positionOf(await scene.custody(group, topic))
    assert.deepEqual([position?.offset, position?.topicId], [2, await scene.topicId(topic)])
  })

  it('a save that finds members who came after the look is refused by the coordinator, naming them, and leaves no ledger row', async () => {
    const [group, topic] = ['just-joined', 'just-joined-topic']
    await scene.filled(topic)
    await commitRaw(kafka, group, { topic, partition: 0, offset: 7n })
    const { revision } = await scene.custody(group, topic)
    const consumer = await kafkajsConsumer(kafka, group, topic)
    const row = {
      group,
      topic,
      partition: 0,
      at: 1,
      verdict: 'valid',
      action: 'to-offset',
      from: 7,
      to: 2,
      skipped: 0,
      reread: 5,
      actor: 'me',
      evidence: [],
    }
    const write = { topic, partition: 0, expected: revision, position: { offset: 2 }, ownerEpoch: 0, saveId: 'late', ledger: [row] }
    await assert.rejects(scene.store.save(group, [write]), (error: TidemarkError) => {
      assert.equal(error.code, 'GROUP_ACTIVE')
      assert.match(error.message, /client ID billing-app/)
      return true
    })
    await consumer.close()
    assert.deepEqual(await scene.store.ledger({ group }), [])
    assert.equal(positionOf(await scene.custody(group, topic))?.offset, 7)
  })

  for (const protocol of ['classic', 'consumer']) {
    it(`names a static member of Java's ${protocol} protocol by its instance ID, also for a while after it was killed`, async () => {
      const [group, topic] = [`static-${protocol}`, `static-${protocol}-topic`]
      await scene.filled(topic)
      const properties = {
        'group.protocol': protocol,
        'group.instance.id': 'pay-1',
        'client.id': 'pay-app',
        'enable.auto.commit': 'false',
        ...(protocol === 'classic' ? { 'session.timeout.ms': '6000' } : {}),
      }
      const consumer = await javaConsumer(kafka, 'consumer', { group, topic, properties })
      assert.equal((await scene.groups.find(group))?.type, protocol)
      const named = /kafka-consumer instance ID pay-1 \(client ID pay-app\) on 127\.0\.0\.1/
      assert.match((await refusal(scene, group, topic)).message, named)
      await consumer.close()
      assert.match((await refusal(scene, group, topic)).message, named)
    })
  }

  it('moves a group of KIP-848’s protocol once its consumer has left, and the next consumer goes on from there', async () => {
    const [group, topic] = ['kip-848', 'kip-848-topic']
    await scene.filled(topic)
    const properties = { 'group.protocol': 'consumer', 'auto.offset.reset': 'earliest', 'auto.commit.interval.ms': '100' }
    const committed = async (): Promise<number | undefined> => positionOf(await scene.custody(group, topic))?.offset
    for (const from of [0, 4]) {
      if (from > 0) {
        await reset(scene.log, scene.store, { group, topics: [topic], target: { kind: 'to-offset', offset: from }, execute: true })
        const position = positionOf(await scene.custody(group, topic))
        assert.deepEqual([position?.offset, position?.topicId], [from, await scene.topicId(topic)])
      }
      const consumer = await javaConsumer(kafka, 'consumer', { group, topic, properties })
      await waitFor('the consumer to have read to the end', async () => (await committed()) === 10)
      await consumer.stop()
      await consumer.close()
      await emptied(scene.groups, group)
      assert.deepEqual(await scene.groups.find(group), { group, type: 'consumer', state: 'Empty' })
    }
  })

  it('all groups of a cluster are checked in one request for many groups, and beside it in as many as for one', async () => {
    const topic = 'many-topic'
    await scene.admin.createTopic(topic, { partitions: 3 })
    const names = Array.from({ length: 40 }, (_, index) => `many-${index}`)
    for (const group of names) await commitRaw(kafka, group, ...[0, 1, 2].map((partition) => ({ topic, partition, offset: 0n })))
    const log = await connect({ bootstrapServers: kafka.bootstrapServers })
    await using store = await openStore('kafka:', { log, ledger: scene.ledger })
    const found = await store.groups()
    const sent = await requestsOf(async () => {
      const { rows } = await checkAll(log, store)
      assert.equal(rows.filter(({ group, verdict }) => names.includes(group) && verdict === 'valid').length, 120)
    })
    await log.close()
    const counts = Object.fromEntries(
      Array.from(
        Map.groupBy(sent, ({ name }) => name),
        ([name, some]) => [name, some.length],
      ),
    )
    assert.ok(found.length >= 40)
    assert.ok((counts['OffsetFetch'] ?? 0) <= found.length / 10 && (counts['FindCoordinator'] ?? 0) === 0, JSON.stringify(counts))
    assert.deepEqual([counts['ListGroups'], counts['DescribeGroups']], [1, undefined])
    assert.ok((counts['ListOffsets'] ?? 0) + (counts['Metadata'] ?? 0) < 20, JSON.stringify(counts))
  })

  /** A feature that brokers of 4.1 have and leave off. */
  const enable = async (feature: string): Promise<void> => {
    const args = ['--bootstrap-server', kafka.bootstrapServers, 'upgrade', '--feature', `${feature}=1`]
    const tool = ['org.apache.kafka.tools.FeatureCommand', ...args]
    await promisify(execFile)('java', javaArguments('kafka', ['-Xmx128m', ...quickStart], tool))
  }

  it('knows a streams group (KIP-1071), and moves nothing while anybody is in it', async () => {
    const topic = 'streams-topic'
    await scene.filled(topic)
    await enable('streams.version')
    assert.equal(await waitFor('to join', async () => (await joinStreamsGroup(kafka.broker().port, 'streams', topic)) === 0), true)
    assert.equal((await scene.groups.find('streams'))?.type, 'streams')
    assert.deepEqual(await check(scene.log, scene.store, { group: 'streams' }), [])
    const [member, ...others] = await scene.store.members('streams')
    assert.deepEqual([member?.clientId, member?.host, others], ['streams-app', '127.0.0.1', []])
    const { revision } = await scene.custody('streams', topic)
    const write = { topic, partition: 0, expected: revision, position: { offset: 2 }, ownerEpoch: 0, saveId: 'ours', ledger: [] }
    await assert.rejects(scene.store.save('streams', [write]), (error: TidemarkError) => {
      assert.equal(error.code, 'GROUP_ACTIVE')
      assert.match(error.message, /kafka-consumer [-\w]+ \(client ID streams-app\) on 127\.0\.0\.1 \(group streams\)/)
      return true
    })
    assert.deepEqual(await scene.committed('streams'), [])
  })

  it('says of a share group that it has no committed offsets, and checks every other group', async () => {
    const topic = 'shared-topic'
    await scene.filled(topic)
    await enable('share.version')
    const consumer = await javaConsumer(kafka, 'share', { group: 'shares', topic })
    await waitFor('the share group to be listed', async () => (await scene.groups.find('shares'))?.type === 'share')
    await assert.rejects(check(scene.log, scene.store, { group: 'shares' }), (error: TidemarkError) => {
      assert.equal(error.code, 'STORE_UNSUPPORTED')
      assert.match(error.message, /it is a share group \(KIP-932\), which has no committed offsets/)
      return true
    })
    await waitFor('it to take the partition', async () => (await scene.groups.shareStarts('shares')).length > 0)
    // It begins at the end, whenever it gets there.
    await waitFor(
      'it to acknowledge',
      async () => {
        await scene.admin.produce([{ topic, partition: 0, value: 'more' }])
        const [start] = await scene.groups.shareStarts('shares')
        return start !== undefined && 'startOffset' in start && start.startOffset > 10n
      },
      20_000,
      500,
    )
    await commitRaw(kafka, 'beside-the-shares', { topic, partition: 0, offset: 3n })
    const { groups, rows, failures } = await checkAll(scene.log, scene.store)
    assert.deepEqual(failures, [])
    assert.ok(!rows.some(({ group }) => group === 'shares'))
    assert.equal(rows.find(({ group }) => group === 'beside-the-shares')?.committedOffset, 3)
    const [reason, where, ...more] = groups.find(({ group }) => group === 'shares')?.withoutOffsets ?? []
    assert.match(reason ?? '', /it is a share group \(KIP-932\), which has no committed offsets/)
    assert.match(where ?? '', /all below these start offsets is dealt with: shared-topic-0 \d+$/)
    assert.deepEqual(more, [])
    const [member] = await scene.groups.members('shares')
    assert.deepEqual([member?.clientId, member?.host], ['console-share-consumer', '127.0.0.1'])
    await consumer.close()
  })

  it('check tells classic, consumer, share and streams groups apart, in text and in JSON, and leaves none of them out', async () => {
    const settings = { env: { TIDEMARK_BOOTSTRAP_SERVER: kafka.bootstrapServers, TIDEMARK_STORE: 'kafka:' } }
    const text = await tidemark(['check', '--all-groups'], settings)
    assert.match(text.stdout, /^GROUP +TYPE +TOPIC +PARTITION .*EVIDENCE$/m)
    assert.match(text.stdout, /^beside-the-shares +classic +shared-topic +0 +3 /m)
    assert.match(text.stdout, /^kip-848 +consumer +kip-848-topic +0 +10 /m)
    assert.match(
      text.stdout,
      /^shares +share( +-){7} +it is a share group .*; all below these start offsets is dealt with: shared-topic-0 \d+$/m,
    )
    assert.match(text.stdout, /^streams +streams( +-){7} +nothing is committed in it$/m)
    const json = await tidemark(['check', '--all-groups', '-o', 'json'], settings)
    const { groups } = JSON.parse(json.stdout) as { groups: { group: string; type: string; withoutOffsets: string[] | null }[] }
    const types = new Map(groups.map(({ group, type }) => [group, type]))
    assert.deepEqual(
      ['beside-the-shares', 'kip-848', 'shares', 'streams'].map((group) => types.get(group)),
      ['classic', 'consumer', 'share', 'streams'],
    )
    assert.deepEqual(
      groups.filter(({ withoutOffsets }) => withoutOffsets !== null).map(({ group }) => group),
      ['shares'],
    )
    const one = await tidemark(['check', '--group', 'kip-848', '-o', 'csv'], settings)
    assert.match(one.stdout, /^kip-848,consumer,kip-848-topic,0,10,/m)
  })
})
