import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { positionOf } from '../../src/core/custody.ts'
import type { Position } from '../../src/core/position.ts'
import { ledger, openStore, repair, run, type Store } from '../../src/index.ts'
import { MemoryLog } from '../../src/testing/index.ts'
import { plant } from '../store/zookeeper-scene.ts'
import { scenery } from './scene.ts'

const scene = scenery()

async function stored(store: Store, group: string): Promise<Position | undefined> {
  const [custody] = await store.load(group)
  return custody && positionOf(custody)
}

/** A topic with three records, and the number 3. */
async function withNumber(): Promise<string> {
  const topic = await scene().topic()
  await scene().batch(topic, -60, -60, -60)
  await scene().commit(topic, 3)
  return topic
}

describe('repair --adopt', { timeout: 120_000 }, () => {
  it('previews, then puts the identity beside the number, which stays untouched', async () => {
    const topic = await withNumber()
    await using store = await scene().store()
    const before = await scene().stranger.get(scene().znode(topic))
    const options = { group: topic, secondLookMs: 200, adopt: true }
    const preview = await repair(scene().log, store, options)
    assert.deepEqual(
      preview.plan.entries.map(({ outcome, action }) => [outcome, action]),
      [['adopt', 'adopt']],
    )
    assert.equal(await scene().stranger.exists(`/tidemark/${topic}`), undefined, 'a preview writes nothing')

    const { applied } = await repair(scene().log, store, { ...options, execute: true })
    assert.deepEqual(
      applied?.map(({ status }) => status),
      ['adopted'],
    )
    assert.deepEqual(await scene().stranger.get(scene().znode(topic)), before)
    const position = await stored(store, topic)
    const [description] = await scene().log.topics([topic])
    assert.ok(description?.state === 'known')
    assert.deepEqual([position?.offset, position?.topicId, position?.clusterId], [3, description.topicId, scene().kafka.clusterId])
    assert.deepEqual([position?.leaderEpoch, position?.commitTime], [0, before?.stat.mtime])
    assert.ok(Math.abs((position?.assumedSince ?? 0) - Date.now()) < 60_000)
    const [row] = await ledger(store, { group: topic })
    assert.deepEqual([row?.action, row?.verdict, row?.from, row?.to, row?.skipped, row?.reread], ['adopt', 'valid', 3, 3, 0, 0])
    const again = await repair(scene().log, store, { ...options, execute: true })
    assert.deepEqual([again.plan.entries[0]?.outcome, (await ledger(store, { group: topic })).length], ['none', 1])
  })

  it('lets a topic that is made anew be seen from then on, and says that the identity was assumed', async () => {
    const topic = await withNumber()
    await using store = await scene().store()
    await repair(scene().log, store, { group: topic, adopt: true, execute: true })
    const { verdict, evidence } = await scene().check(topic)
    assert.equal(verdict, 'valid')
    assert.match(evidence.join('; '), /identity is assumed since 20\d\d-/)
    assert.doesNotMatch(evidence.join('; '), /identity not stored/)
    await scene().admin.recreateTopic(topic)
    await scene().batch(topic, 0, 0, 0, 0)
    const row = await scene().check(topic)
    assert.equal(row.verdict, 'recreated')
    assert.match(row.evidence.join('; '), /deleted and made anew; its identity is assumed since/)
  })

  it('does not outlive another program that moves the number', async () => {
    const topic = await withNumber()
    await using store = await scene().store()
    await repair(scene().log, store, { group: topic, adopt: true, execute: true })
    await scene().commit(topic, 2)
    assert.deepEqual(Object.keys((await stored(store, topic)) ?? {}).toSorted(), ['commitTime', 'offset'])
  })

  it('moves what the policy says in the same plan, and adopts the rest', async () => {
    const topic = await scene().topic()
    const other = await withNumber()
    await scene().batch(topic, -60, -60, -60)
    await scene().commit(topic, 9)
    await plant(scene().stranger, { path: `/consumers/${topic}/offsets/${other}/0`, data: Buffer.from('3') })
    await using store = await scene().store()
    const { applied } = await repair(scene().log, store, { group: topic, secondLookMs: 200, adopt: true, execute: true })
    assert.deepEqual(
      new Set(applied?.map(({ entry, status }) => `${entry.topic} ${entry.verdict} ${status}`)),
      new Set([`${topic} ahead moved`, `${other} valid adopted`]),
    )
    const { plan } = await repair(scene().log, store, { group: topic, adopt: true })
    assert.deepEqual(
      plan.entries.map(({ outcome }) => outcome),
      ['none', 'none'],
    )
  })

  it('of a number beside others in one string leaves the whole string untouched', async () => {
    const topic = await scene().topic()
    await scene().batch(topic, -60, -60, -60)
    const path = `/spark/offsets/${topic}/${topic}`
    await plant(scene().stranger, { path, data: Buffer.from('7:x,0:3') })
    const before = await scene().stranger.get(path)
    await using store = await scene().store('?layout=per-topic')
    const { applied } = await repair(scene().log, store, { group: topic, topics: [`${topic}:0`], adopt: true, execute: true })
    assert.deepEqual(
      applied?.map(({ status }) => status),
      ['adopted'],
    )
    assert.deepEqual(await scene().stranger.get(path), before)
    const [custody] = await store.load(topic, [{ topic, partition: 0 }])
    assert.ok(custody && positionOf(custody)?.topicId !== undefined)
    assert.deepEqual(positionOf(custody)?.leaderEpoch, 0)
  })

  it('is what a job’s first save does, from knowledge and not by assumption', async () => {
    const topic = await withNumber()
    await scene().batch(topic, -1)
    await using store = await scene().store()
    await run(scene().log, store, { group: topic, untilEnd: true, handler: () => {} })
    const position = await stored(store, topic)
    assert.ok(position?.topicId !== undefined)
    assert.deepEqual([position.offset, position.leaderEpoch, position.assumedSince], [4, 0, undefined])
  })

  it('is replaced by knowledge once a job has saved', async () => {
    const topic = await withNumber()
    await using store = await scene().store()
    await repair(scene().log, store, { group: topic, adopt: true, execute: true })
    await scene().batch(topic, -1)
    await run(scene().log, store, { group: topic, untilEnd: true, handler: () => {} })
    const position = await stored(store, topic)
    assert.deepEqual([position?.offset, position?.assumedSince], [4, undefined])
    assert.ok(position?.topicId !== undefined)
  })
})

describe('an adopted epoch', () => {
  it('lets a log that is cut and grows again be seen', async () => {
    const log = new MemoryLog()
    log.createTopic('orders')
    const partition = log.partition('orders')
    for (let offset = 0; offset < 10; offset++) partition.append({ value: `${offset}`, timestamp: 1 })
    await using store = await openStore('memory:')
    const place = { topic: 'orders', partition: 0 }
    const write = { ...place, expected: 'none', position: { offset: 10 }, ownerEpoch: 0, saveId: 's', ledger: [] }
    await store.save('g', [write])
    await repair(log, store, { group: 'g', adopt: true, execute: true })
    partition.truncate(6)
    for (let offset = 6; offset < 20; offset++) partition.append({ value: `new ${offset}`, timestamp: 2 })
    const { plan } = await repair(log, store, { group: 'g', secondLookMs: 0 })
    assert.deepEqual([plan.entries[0]?.verdict, plan.entries[0]?.move?.to], ['truncated', 6])
  })
})
