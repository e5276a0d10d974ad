import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { AclOperations, AclPermissionTypes, Admin, ResourcePatternTypes, ResourceTypes } from '@platformatic/kafka'
import { waitFor } from '../../lab/wait.ts'
import { check, repair, run, type Notice } from '../../src/index.ts'
import { requestsOf } from '../kafka/requests.ts'
import { plant } from '../store/zookeeper-scene.ts'
import { scenery } from './scene.ts'

// Commits are of now, and records are stamped from now: what is 10 minutes later is as if the commit were 10 minutes old.
const scene = scenery({
  properties: {
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'allow.everyone.if.no.acl.found': true,
  },
})

describe('a bare number', { timeout: 120_000 }, () => {
  it('of a topic that was made anew and grew past it is suspect: the whole log is newer', async () => {
    const topic = await scene().topic()
    await scene().batch(topic, -60, -60, -60)
    await scene().commit(topic, 3)
    assert.equal((await scene().check(topic)).verdict, 'valid')
    await scene().admin.recreateTopic(topic)
    await scene().batch(topic, 10, 11)
    await scene().batch(topic, 12, 13)
    const row = await scene().check(topic)
    assert.equal(row.verdict, 'suspect')
    assert.match(
      row.evidence[0] ?? '',
      /the whole log below the offset was written after .* first batch, at 0 to 1, .* at 2, from .*\(CreateTime\)/,
    )
    assert.equal((await scene().check(topic, { clockSkewMs: 15 * 60_000 })).verdict, 'valid', 'within the skew')
  })

  it('beyond which the log was cut, and which it grew past again, is suspect: the tail is newer', async () => {
    const topic = await scene().topic()
    await scene().batch(topic, -60, -60, -60)
    await scene().commit(topic, 6)
    await scene().batch(topic, 10, 11, 12, 13)
    const row = await scene().check(topic)
    assert.equal(row.verdict, 'suspect')
    assert.match(row.evidence[0] ?? '', /just below the offset .* first later record is at 3, while its first batch, at 0 to 2, .* was not/)
  })

  it('above records that are stamped with a future time is valid, wherever those lie', async () => {
    for (const batches of [
      [[-60, -60], [30], [-60, -60]],
      [[30], [-60, -60], [-60, -60]],
      [[-60, -60], [-60, -60], [30]],
      [
        [-60, -60],
        [-60, 30, -60],
      ],
    ]) {
      const topic = await scene().topic()
      for (const batch of batches) await scene().batch(topic, ...batch)
      await scene().commit(topic, 5)
      const { verdict, evidence } = await scene().check(topic)
      assert.equal(verdict, 'valid', JSON.stringify(batches))
      assert.ok(
        evidence.some((sentence) => sentence.startsWith('identity not stored')),
        'what is not suspect is not proven',
      )
    }
  })

  it('above records whose producers stamped them out of order is valid', async () => {
    const topic = await scene().topic()
    await scene().batch(topic, -10, 20, -30)
    await scene().batch(topic, 15, -60, 20, -5)
    await scene().commit(topic, 7)
    assert.equal((await scene().check(topic)).verdict, 'valid')
  })

  it('in a topic with LogAppendTime is judged by the broker’s clock, whatever the producers’ said', async () => {
    const topic = await scene().topic({ 'message.timestamp.type': 'LogAppendTime' })
    await scene().batch(topic, 30, 31, 32)
    await scene().commit(topic, 3)
    const clockSkewMs = 0
    const { mtime = 0 } = (await scene().stranger.get(scene().znode(topic)))?.stat ?? {}
    assert.equal((await scene().check(topic, { clockSkewMs })).verdict, 'valid', 'written before the commit')
    await scene().admin.recreateTopic(topic, { configs: { 'message.timestamp.type': 'LogAppendTime', 'retention.ms': -1 } })
    await waitFor('the clock to be past the commit', async () => Date.now() > mtime)
    await scene().batch(topic, -60, -60, -60, -60)
    const row = await scene().check(topic, { clockSkewMs })
    assert.equal(row.verdict, 'suspect')
    assert.match(row.evidence[0] ?? '', /\(LogAppendTime\)/)
  })

  it('whose records may not be read is valid, and says what is missing to look closer', async () => {
    const topic = await scene().topic()
    await scene().batch(topic, 10, 11, 12)
    await scene().commit(topic, 3)
    assert.equal((await scene().check(topic)).verdict, 'suspect')
    await mayOnlyDescribe(topic)
    const row = await scene().check(topic)
    assert.equal(row.verdict, 'valid')
    assert.match(
      row.evidence.join('; '),
      /record at 0 is later than the commit; .* needs the permission READ on the topic \(TOPIC_AUTHORIZATION_FAILED\)/,
    )
  })

  it('that is suspect is read on from, and said; a policy that names it moves it or refuses', async () => {
    const topic = await scene().topic()
    await scene().batch(topic, 10, 11, 12, 13)
    await scene().commit(topic, 3)
    await using store = await scene().store()
    const options = { group: topic, secondLookMs: 200, untilEnd: true, handler: () => {} }
    await assert.rejects(run(scene().log, store, { ...options, policy: 'suspect=fail' }), { code: 'POLICY_FAIL' })
    const preview = await repair(scene().log, store, { ...options, policy: 'suspect=earliest' })
    assert.deepEqual([preview.plan.entries[0]?.move?.to, preview.plan.entries[0]?.move?.reread], [0, 3])
    const notices: Notice[] = []
    const { records } = await run(scene().log, store, { ...options, onNotice: (notice) => notices.push(notice) })
    assert.equal(records, 1)
    assert.match(notices.find(({ kind }) => kind === 'suspect')?.text ?? '', /goes on at 3, and is suspect: the whole log/)
    assert.equal((await scene().check(topic)).verdict, 'valid', 'its first save has given it an identity')
  })

  it('costs one request more, however many there are, and the log is looked into only where something is later', async () => {
    const topic = `wide-${Date.now()}`
    await scene().admin.createTopic(topic, { partitions: 40, configs: { 'retention.ms': -1 } })
    const requests = async (partitions: number): Promise<Record<string, number>> => {
      const place = (partition: number) => ({ topic, partition, timestamp: Date.now() - 60 * 60_000, value: 'x' })
      const group = `${topic}-${partitions}`
      for (let partition = 0; partition < partitions; partition++) {
        await scene().admin.produce([place(partition), place(partition)])
        await plant(scene().stranger, { path: `/consumers/${group}/offsets/${topic}/${partition}`, data: Buffer.from('2') })
      }
      await using store = await scene().store()
      const names = (await requestsOf(() => check(scene().log, store, { group }))).map(({ name }) => name)
      return Object.fromEntries([...Map.groupBy(names, (name) => name)].map(([name, some]) => [name, some.length]))
    }
    // Log start, log end, last stable offset, and the time of the commit.
    const expected = { Metadata: 4, ListOffsets: 4 }
    assert.deepEqual(await requests(1), expected)
    assert.deepEqual(await requests(40), expected)
  })
})

/** Everybody may ask about the topic, and nobody may read it. */
async function mayOnlyDescribe(topic: string): Promise<void> {
  const admin = new Admin({ clientId: 'acl', bootstrapBrokers: [scene().kafka.bootstrapServers] })
  const resource = { resourceType: ResourceTypes.TOPIC, resourceName: topic, resourcePatternType: ResourcePatternTypes.LITERAL }
  const access = { principal: 'User:*', host: '*', operation: AclOperations.DESCRIBE, permissionType: AclPermissionTypes.ALLOW }
  await admin.createAcls({ creations: [{ ...resource, ...access }] })
  await admin.close()
  await waitFor(
    'the broker to know of it',
    async () => (await scene().log.batches([{ topic, partition: 0, offset: 0 }]))[0]?.state === 'unknown',
  )
}
