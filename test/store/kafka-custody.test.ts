import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startKafka, type KafkaCluster } from '../../lab/kafka.ts'
import { positionOf } from '../../src/core/custody.ts'
import type { TidemarkError } from '../../src/errors.ts'
import { openLedgerFile } from '../../src/store/ledger-file.ts'
import { openStore } from '../../src/store/store.ts'
import { repair } from '../../src/verbs/repair.ts'
import { reset } from '../../src/verbs/reset.ts'
import { commitInTransaction, commitRaw, deleteGroup, GroupScene } from './kafka-scene.ts'

/** What the real programs left beside their offsets: /work's fixtures of the parallel-consumer and of Kafka Streams. */
const PARALLEL_CONSUMER = 'bABq7v+F//////3//////wMA'
const STREAMS = 'AgAAAaID/zfxAAAAAQAAAAhoZWxkLXdpbgAAAaID/xDh'

describe('what a Kafka group holds', { timeout: 240_000 }, () => {
  let kafka: KafkaCluster
  let scene: GroupScene

  before(async () => {
    kafka = await startKafka()
    scene = await GroupScene.on(kafka)
  })

  after(async () => {
    await scene?.close()
    await kafka?.close()
  })

  const write = async (group: string, topic: string, offset: number, saveId = 'ours') => {
    const { revision } = await scene.custody(group, topic)
    const row = {
      group,
      topic,
      partition: 0,
      at: 1,
      verdict: 'valid',
      action: 'to-offset',
      from: 0,
      to: offset,
      skipped: 0,
      reread: 0,
      actor: 'me',
      evidence: ['why'],
    }
    return { topic, partition: 0, expected: revision, position: { offset, topicId: 'id' }, ownerEpoch: 0, saveId, ledger: [row] }
  }

  for (const raw of [-1n, -2n, -5n, 2n ** 53n, 2n ** 63n - 1n]) {
    it(`a committed ${raw} is corrupt, with the raw value, and a repair that is told to puts it right`, async () => {
      const [group, topic] = [`raw${raw}`, `raw${raw}-topic`]
      await scene.filled(topic)
      await commitRaw(kafka, group, { topic, partition: 0, offset: raw })
      const row = await scene.check(group, topic)
      assert.deepEqual([row.verdict, row.committedOffset], ['corrupt', null])
      assert.match(row.evidence.join(), new RegExp(`the stored value "${raw}" is no offset: it is (negative|beyond 2\\^53 - 1)`))
      await repair(scene.log, scene.store, { group, policy: { corrupt: 'earliest' }, secondLookMs: 100, execute: true })
      assert.equal((await scene.check(group, topic)).verdict, 'valid')
    })
  }

  it('a bare commit is valid, and the row says that its identity is not stored', async () => {
    await scene.filled('bare-topic')
    await commitRaw(kafka, 'bare', { topic: 'bare-topic', partition: 0, offset: 4n })
    const row = await scene.check('bare', 'bare-topic')
    assert.equal(row.verdict, 'valid')
    assert.match(row.evidence.join(), /identity not stored/)
  })

  it('a bare commit is adopted: its identity is put beside it, and a topic made anew is seen from then on', async () => {
    const [group, topic] = ['adopted', 'adopted-topic']
    await scene.filled(topic)
    await commitRaw(kafka, group, { topic, partition: 0, offset: 4n })
    const { applied } = await repair(scene.log, scene.store, { group, adopt: true, secondLookMs: 100, execute: true })
    assert.equal(applied?.[0]?.status, 'adopted')
    const position = positionOf(await scene.custody(group, topic))
    assert.deepEqual([position?.offset, position?.topicId, position?.leaderEpoch], [4, await scene.topicId(topic), 0])
    assert.ok(position?.assumedSince !== undefined)
  })

  for (const [program, metadata, name] of [
    ['the parallel-consumer', PARALLEL_CONSUMER, 'parallel'],
    ['Kafka Streams', STREAMS, 'streams'],
    ['another program', 'checkpoint 12 of job 7', 'other'],
  ] as const) {
    it(`what ${program} put beside an offset survives a write that leaves the offset, and goes with a move, which says so`, async () => {
      const [group, topic] = [name, `${name}-topic`]
      await scene.filled(topic)
      await commitRaw(kafka, group, { topic, partition: 0, offset: 3n, leaderEpoch: 0, metadata })
      const [saved] = await scene.store.save(group, [await write(group, topic, 3)])
      assert.equal(saved?.status, 'saved')
      const { applied } = await repair(scene.log, scene.store, { group, adopt: true, secondLookMs: 100, execute: true })
      assert.deepEqual([applied?.[0]?.status, applied?.[0]?.entry.outcome], ['untouched', 'keep'])
      assert.match(applied?.[0]?.entry.note ?? '', /leaves no room for an identity/)
      const [stays] = await scene.committed(group)
      assert.ok(stays !== undefined && 'offset' in stays)
      assert.deepEqual([stays.offset, stays.metadata], [3n, metadata])
      const remark = `${program} keeps ${metadata.length} characters of its own beside the offset: they stay while it does; a move drops them`
      assert.ok((await scene.check(group, topic)).evidence.includes(remark))
      await reset(scene.log, scene.store, { group, topics: [topic], target: { kind: 'to-offset', offset: 5 }, actor: 'me', execute: true })
      const [moved] = await scene.committed(group)
      assert.ok(moved !== undefined && 'offset' in moved)
      assert.equal(moved.offset, 5n)
      assert.match(moved.metadata, /^TM1\{"o":"5"/)
      const rows = await scene.store.ledger({ group })
      assert.deepEqual(
        rows.map(({ to, evidence }) => [to, evidence.includes(remark)]),
        [
          [3, false],
          [5, true],
        ],
      )
    })
  }

  it('what Tidemark put beside an offset does not count beside another one: MirrorMaker copies it along with a translated offset', async () => {
    const [group, topic] = ['mirrored', 'mirrored-topic']
    await scene.filled(topic)
    await scene.store.save(group, [await write(group, topic, 6)])
    const [ours] = await scene.committed(group)
    assert.ok(ours !== undefined && 'metadata' in ours)
    await commitRaw(kafka, group, { topic, partition: 0, offset: 2n, metadata: ours.metadata })
    const custody = await scene.custody(group, topic)
    assert.deepEqual([positionOf(custody), custody.saveId, custody.remarks], [{ offset: 2 }, undefined, undefined])
    // Nor where the offset happens to be the same one: the cluster is not.
    await commitRaw(kafka, group, { topic, partition: 0, offset: 6n, metadata: 'TM1{"o":"6","t":"there","c":"another-cluster","s":"x"}' })
    assert.deepEqual(positionOf(await scene.custody(group, topic)), { offset: 6 })
    assert.equal((await scene.check(group, topic)).verdict, 'valid')
  })

  it('an offset that a transaction is about to commit is unknown, first commit or not, and known once it ended', async () => {
    const [group, topic] = ['transactional', 'transactional-topic']
    await scene.filled(topic)
    for (const offset of [3n, 8n]) {
      const end = await commitInTransaction(kafka, group, { topic, partition: 0, offset })
      const row = await scene.check(group, topic)
      assert.equal(row.verdict, 'unknown')
      assert.match(row.evidence.join(), /UNSTABLE_OFFSET_COMMIT: a transaction that commits this offset is under way/)
      const { plan } = await repair(scene.log, scene.store, { group, topics: [topic], secondLookMs: 100, execute: true })
      assert.equal(plan.entries[0]?.outcome, 'wait')
      const [refused] = await scene.store.save(group, [await write(group, topic, 1)])
      assert.equal(refused?.status, 'changed', 'nor can anything be written over it')
      await end()
      assert.equal((await scene.check(group, topic)).committedOffset, Number(offset))
    }
  })

  it('an expired offset is repaired and accounted for', async () => {
    const [group, topic] = ['expired', 'expired-topic']
    await scene.filled(topic)
    await commitRaw(kafka, group, { topic, partition: 0, offset: 2n })
    await scene.admin.deleteRecords(topic, 0, 6)
    assert.equal((await scene.check(group, topic)).verdict, 'expired')
    await repair(scene.log, scene.store, { group, secondLookMs: 100, actor: 'me', execute: true })
    assert.deepEqual([(await scene.check(group, topic)).verdict, (await scene.check(group, topic)).committedOffset], ['valid', 6])
    const [row] = await scene.store.ledger({ group })
    assert.deepEqual([row?.verdict, row?.from, row?.to, row?.skipped, row?.actor], ['expired', 2, 6, 4, 'me'])
  })

  it('a topic that was made anew and grew past the offset is found by Tidemark’s metadata', async () => {
    const [group, topic] = ['recreated', 'recreated-topic']
    await scene.filled(topic)
    await reset(scene.log, scene.store, { group, topics: [topic], target: { kind: 'to-offset', offset: 5 }, execute: true })
    const [kept] = await scene.committed(group)
    assert.ok(kept !== undefined && 'offset' in kept)
    await scene.admin.recreateTopic(topic)
    await scene.admin.produce(Array.from({ length: 20 }, () => ({ topic, partition: 0, value: 'new' })))
    // The coordinator drops the offset with the topic; it was down meanwhile, or another program wrote it back.
    await commitRaw(kafka, group, { topic, partition: 0, offset: kept.offset, leaderEpoch: kept.leaderEpoch, metadata: kept.metadata })
    const row = await scene.check(group, topic)
    assert.equal(row.verdict, 'recreated')
    assert.match(row.evidence.join(), /it was deleted and made anew/)
  })

  it('an offset that Tidemark moved and that is gone with its whole group is lost, not missing', async () => {
    const [group, topic] = ['vanished', 'vanished-topic']
    await scene.filled(topic)
    await reset(scene.log, scene.store, { group, topics: [topic], target: { kind: 'to-offset', offset: 5 }, execute: true })
    await deleteGroup(kafka, group)
    assert.deepEqual(await scene.committed(group), [])
    const row = await scene.check(group, topic)
    assert.equal(row.verdict, 'lost')
    assert.equal((await scene.store.load(group))[0]?.trace, 'ledger')
    assert.ok((await scene.store.groups()).includes(group))
  })

  it('metadata that does not fit is refused by name, and leaves no ledger row', async () => {
    const [group, topic] = ['too-large', 'too-large-topic']
    await scene.filled(topic)
    const moved = reset(scene.log, scene.store, {
      group,
      topics: [topic],
      target: { kind: 'to-latest' },
      actor: 'x'.repeat(4_096),
      execute: true,
    })
    await assert.rejects(moved, (error: TidemarkError) => {
      assert.equal(error.code, 'STORE_UNSUPPORTED')
      assert.match(
        error.message,
        /the \d{4} characters that Tidemark keeps beside the offset are more than the broker takes.*offset\.metadata\.max\.bytes/,
      )
      return true
    })
    assert.deepEqual(await scene.store.ledger({ group }), [])
  })

  describe('a process that dies in the middle of a move', () => {
    const path = (): string => scene.ledger
    const ledgerOf = async () => openLedgerFile(path(), `kafka:${await scene.groups.clusterId()}`)

    it('after the commit: the row is there, and is confirmed by the next move', async () => {
      const [group, topic] = ['died-after', 'died-after-topic']
      await scene.filled(topic)
      const move = await write(group, topic, 4, 'dead')
      const ledger = await ledgerOf()
      await ledger.announce(group, [move])
      await commitRaw(kafka, group, { topic, partition: 0, offset: 4n, metadata: 'TM1{"o":"4","s":"dead"}' })
      assert.deepEqual(await scene.store.ledger({ group }), move.ledger)
      await using next = await openStore('kafka:', { log: scene.log, ledger: path() })
      await next.save(group, [{ ...(await write(group, topic, 5)), ledger: [] }])
      assert.deepEqual(await ledger.rows({ group }, async () => assert.fail('nothing is left over')), move.ledger)
      ledger.close()
    })

    it('before the commit: there is no row, and the offset is as it was', async () => {
      const [group, topic] = ['died-before', 'died-before-topic']
      await scene.filled(topic)
      const ledger = await ledgerOf()
      await ledger.announce(group, [await write(group, topic, 4, 'dead')])
      ledger.close()
      assert.deepEqual(await scene.store.ledger({ group }), [])
      assert.equal((await scene.check(group, topic)).verdict, 'missing')
    })

    it('and nobody can know: the row says so', async () => {
      const [group, topic] = ['died-unknown', 'died-unknown-topic']
      await scene.filled(topic)
      const ledger = await ledgerOf()
      await ledger.announce(group, [await write(group, topic, 4, 'dead')])
      ledger.close()
      await commitRaw(kafka, group, { topic, partition: 0, offset: 9n })
      const [row] = await scene.store.ledger({ group })
      assert.match(row?.evidence.at(-1) ?? '', /it is not known whether this move was made/)
    })
  })

  it('a broker that has just been restarted is asked again until it has loaded its groups; an epoch in a bare commit tells a topic made anew', async () => {
    const [group, topic] = ['restarted', 'restarted-topic']
    await scene.filled(topic)
    await kafka.broker().restart()
    // Waits until the broker has loaded its groups again.
    assert.deepEqual(await scene.committed(group), [])
    const [facts] = await scene.log.facts([{ topic, partition: 0 }])
    assert.ok(facts?.state === 'known' && facts.leaderEpoch > 0)
    await commitRaw(kafka, group, { topic, partition: 0, offset: 5n, leaderEpoch: facts.leaderEpoch })
    await kafka.broker().restart()
    assert.equal(positionOf(await scene.custody(group, topic))?.offset, 5)
    await scene.admin.recreateTopic(topic)
    await scene.admin.produce(Array.from({ length: 20 }, () => ({ topic, partition: 0, value: 'new' })))
    await commitRaw(kafka, group, { topic, partition: 0, offset: 5n, leaderEpoch: facts.leaderEpoch })
    const row = await scene.check(group, topic)
    assert.equal(row.verdict, 'recreated')
    assert.match(row.evidence.join(), /the stored leader epoch \d+ is newer than any the leader knows/)
  })
})
