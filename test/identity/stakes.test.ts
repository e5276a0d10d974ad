import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AclOperations, AclPermissionTypes, Admin, ResourcePatternTypes, ResourceTypes } from '@platformatic/kafka'
import { waitFor } from '../../lab/wait.ts'
import { explain } from '../../src/index.ts'
import type { Explanation } from '../../src/verbs/explain.ts'
import { scenery } from './scene.ts'

const scene = scenery({
  properties: {
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'allow.everyone.if.no.acl.found': true,
    'log.cleaner.backoff.ms': 100,
    'log.segment.delete.delay.ms': 0,
  },
})

async function explained(topic: string): Promise<Explanation> {
  await using store = await scene().store()
  return await explain(scene().log, store, { group: topic, topic, partition: 0, secondLookMs: 200 })
}

/** What an action does to records, short: the last of `offset@key/size` is the last one. */
function stakes({ actions }: Explanation, name: string): string[] {
  const found = actions.find(({ action }) => action === name)?.stakes ?? []
  return found.map(({ kind, fromOffset, untilOffset, removed, first, last, note }) => {
    const ends = [first, last].flatMap((record) => (record === null ? [] : [`${record.offset}@${record.key}/${record.size}`]))
    return [`${kind} ${fromOffset}..${untilOffset}`, `removed ${removed}`, ...ends, ...(note === null ? [] : [note])].join(', ')
  })
}

describe('the records at stake', { timeout: 120_000 }, () => {
  it('are said to be removed where they are, and shown where they are left', async () => {
    const topic = await scene().topic()
    await scene().batch(topic, -60, -60, -60, -60)
    await scene().batch(topic, -50, -50)
    await scene().commit(topic, 1)
    await scene().admin.deleteRecords(topic, 0, 3)
    const explanation = await explained(topic)
    assert.equal(explanation.verdict, 'expired')
    assert.deepEqual(stakes(explanation, 'earliest'), ['skipped 1..3, removed 2'])
    assert.deepEqual(stakes(explanation, 'latest'), ['skipped 1..6, removed 2, 3@k3/12, 5@k1/12'])
    assert.deepEqual(stakes(explanation, 'keep'), [])
    const [first] = explanation.actions.find(({ action }) => action === 'latest')?.stakes ?? []
    assert.ok(Math.abs((first?.first?.timestamp ?? 0) - (Date.now() - 60 * 60_000)) < 60_000)
    assert.ok(Math.abs((first?.last?.timestamp ?? 0) - (Date.now() - 50 * 60_000)) < 60_000)
  })

  it('are those that would be read again', async () => {
    const topic = await scene().topic()
    await scene().batch(topic, -60, -60, -60)
    await scene().commit(topic, 50)
    const explanation = await explained(topic)
    assert.equal(explanation.verdict, 'ahead')
    assert.deepEqual(stakes(explanation, 'earliest'), ['reread 0..3, removed 0, 0@k0/12, 2@k2/12'])
  })

  it('are of the new topic where it was made anew, and the old one’s nobody knows', async () => {
    const topic = await scene().topic()
    await using store = await scene().store()
    const place = { topic, partition: 0 }
    const [custody] = await store.load(topic, [place])
    await store.save(topic, [
      { ...place, expected: custody?.revision ?? '', position: { offset: 9, topicId: 'gone' }, ownerEpoch: 0, saveId: 's', ledger: [] },
    ])
    await scene().batch(topic, -60, -60)
    const explanation = await explained(topic)
    assert.equal(explanation.verdict, 'recreated')
    assert.deepEqual(stakes(explanation, 'earliest'), [])
    assert.deepEqual(stakes(explanation, 'latest'), ['skipped 0..2, removed 0, 0@k0/12, 1@k1/12'])
  })

  it('are found before and behind markers of transactions', async () => {
    const topic = await scene().topic()
    const record = (key: string) => ({ topic, partition: 0, key, value: 'v' })
    await scene().admin.transact(`tx-${topic}`, [record('a'), record('b')], 'commit')
    await scene().admin.transact(`tx2-${topic}`, [record('c')], 'commit')
    await scene().commit(topic, 50)
    assert.deepEqual(stakes(await explained(topic), 'earliest'), ['reread 0..5, removed 0, 0@a/2, 3@c/2'])
  })

  it('are text where their keys are, and else hexadecimal digits; a long key is cut', async () => {
    const topic = await scene().topic()
    await scene().admin.produce([
      { topic, partition: 0, key: 'schlüssel', value: 'v' },
      { topic, partition: 0, key: 'ü'.repeat(100), value: 'v' },
    ])
    await scene().admin.produce([{ topic, partition: 0, key: '\u0001x', value: null }])
    await scene().commit(topic, 50)
    const [whole] = (await explained(topic)).actions.find(({ action }) => action === 'earliest')?.stakes ?? []
    assert.deepEqual([whole?.first?.key, whole?.first?.size, whole?.last?.key, whole?.last?.size], ['schlüssel', 11, '0x0178', 2])
    const answers = await scene().log.batches([{ topic, partition: 0, offset: 1 }])
    assert.ok(answers[0]?.state === 'known')
    assert.equal(answers[0].batch?.records.at(1)?.key?.toString(), 'ü'.repeat(32))
  })

  it('that may not be read say so, and everything else is explained', async () => {
    const topic = await scene().topic()
    await scene().batch(topic, -60, -60, -60)
    await scene().commit(topic, 50)
    const admin = new Admin({ clientId: 'acl', bootstrapBrokers: [scene().kafka.bootstrapServers] })
    const resource = { resourceType: ResourceTypes.TOPIC, resourceName: topic, resourcePatternType: ResourcePatternTypes.LITERAL }
    const access = { principal: 'User:*', host: '*', operation: AclOperations.DESCRIBE, permissionType: AclPermissionTypes.ALLOW }
    await admin.createAcls({ creations: [{ ...resource, ...access }] })
    await admin.close()
    await waitFor(
      'the broker to know',
      async () => (await scene().log.batches([{ topic, partition: 0, offset: 0 }]))[0]?.state === 'unknown',
    )
    const explanation = await explained(topic)
    assert.equal(explanation.verdict, 'ahead')
    assert.deepEqual(stakes(explanation, 'earliest'), [
      'reread 0..3, removed 0, reading the records needs the permission READ on the topic (TOPIC_AUTHORIZATION_FAILED)',
    ])
  })

  it('are looked up in compressed batches, and in ones larger than is fetched at once', async () => {
    const topic = await scene().topic({ 'max.message.bytes': 2_000_000 })
    await scene().admin.produce([{ topic, partition: 0, key: 'z', value: 'y'.repeat(100_000) }], { compression: 'gzip' })
    await scene().admin.produce([{ topic, partition: 0, key: 'big', value: 'x'.repeat(900_000) }])
    await scene().commit(topic, 50)
    assert.deepEqual(stakes(await explained(topic), 'earliest'), ['reread 0..2, removed 0, 0@z/100001, 1@big/900003'])
    const twice = [0, 1, 0].map((offset) => ({ topic, partition: 0, offset }))
    const found = (await scene().log.batches(twice)).map((answer) => (answer.state === 'known' ? answer.batch?.baseOffset : answer.reason))
    assert.deepEqual(found, [0, 1, 0])
  })

  it('that compaction removed are not made up', async () => {
    const configs = { 'cleanup.policy': 'compact', 'segment.ms': 100, 'min.cleanable.dirty.ratio': 0.001, 'min.compaction.lag.ms': 0 }
    const topic = await scene().topic(configs)
    const record = (key: string) => ({ topic, partition: 0, key, value: 'v' })
    for (const key of ['a', 'b', 'a', 'b', 'a', 'b']) await scene().admin.produce([record(key)])
    await waitFor(
      'compaction',
      async () => {
        await scene().admin.produce([record('c')])
        const [answer] = await scene().log.batches([{ topic, partition: 0, offset: 0 }])
        return answer?.state === 'known' && answer.batch?.records[0]?.offset === 4
      },
      60_000,
      300,
    )
    const end = (await scene().admin.offsets(topic, 0)).end
    await scene().commit(topic, end + 50)
    const [found] = stakes(await explained(topic), 'earliest')
    assert.match(found ?? '', new RegExp(`^reread 0\\.\\.${end}, removed 0, 4@a/2, ${end - 1}@c/2$`))
  })
})
