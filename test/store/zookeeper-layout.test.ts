import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { startZooKeeper, type ZooKeeperServer } from '../../lab/zookeeper.ts'
import { positionOf } from '../../src/core/custody.ts'
import { pathsUnder } from '../../src/store/zookeeper/paths.ts'
import { at, code, FULL, ledgerRow, loadOne, put, saveOne, writeOf } from '../../src/testing/conformance/harness.ts'
import { fixture, plant, removeAll, Scene, tree } from './zookeeper-scene.ts'

const paths = pathsUnder('')
let server: ZooKeeperServer

before(async () => {
  server = await startZooKeeper()
})
after(() => server.close())

describe('the old consumer’s offsets', () => {
  it('are read right, whatever groups, topics and partitions it left', async () => {
    await using scene = new Scene(server)
    const stranger = scene.stranger()
    const znodes = fixture()
    for (const { path, data, ephemeral } of znodes) {
      await plant(stranger, { path, ...(data === null ? {} : { data: Buffer.from(data) }), mode: ephemeral ? 'ephemeral' : 'persistent' })
    }
    for (const chroot of ['', '/kafka/held']) {
      const store = await scene.open(chroot)
      const expected = new Map<string, Record<string, number>>()
      for (const { path, data } of znodes) {
        const [, group, topic, partition] = new RegExp(`^${chroot}/consumers/([^/]+)/offsets/([^/]+)/(\\d+)$`).exec(path) ?? []
        if (group !== undefined) expected.set(group, { ...expected.get(group), [`${topic}-${partition}`]: Number(data) })
      }
      assert.deepEqual((await store.groups()).toSorted(), [...expected.keys()].toSorted())
      for (const [group, offsets] of expected) {
        const found = (await store.load(group)).map((custody) => [`${custody.topic}-${custody.partition}`, positionOf(custody)?.offset])
        assert.deepEqual(Object.fromEntries(found), offsets, group)
      }
    }
    const root = await scene.open()
    const [dotted] = await root.load('held.grp_2', [{ topic: 'held.dots_under-12', partition: 11 }])
    assert.equal(dotted && positionOf(dotted)?.offset, 16)
    assert.equal((await root.load('held-kafkaonly')).length, 0, 'a group that keeps its offsets in Kafka has none here')
    const live = await root.members('held-live')
    assert.deepEqual(
      live.map(({ id, program, host }) => [id, program, host]),
      [['held-live_vm-1795365734385-fcdf60a7', 'zookeeper-consumer', 'vm']],
    )
    await removeAll(stranger, '/consumers')
  })

  it('have only a commit time: when the znode changed last', async () => {
    await using scene = new Scene(server)
    const [stranger, store, group] = [scene.stranger(), await scene.open(), randomUUID()]
    const from = Date.now()
    await plant(stranger, { path: paths.value(group, at(0)), data: Buffer.from('41') })
    const custody = await loadOne(store, group)
    const position = positionOf(custody)
    assert.deepEqual(Object.keys(position ?? {}).toSorted(), ['commitTime', 'offset'])
    assert.ok((position?.commitTime ?? 0) >= from - 1_000 && (position?.commitTime ?? 0) <= Date.now() + 1_000)
    assert.deepEqual([position?.offset, custody.ownerEpoch, custody.saveId, custody.trace], [41, 0, undefined, undefined])
  })

  it('stay as the old consumer writes them: digits and nothing else, in folders like its own, nothing of ours beside', async () => {
    await using scene = new Scene(server)
    const [stranger, store, group] = [scene.stranger(), await scene.open(), randomUUID()]
    await put(store, group, { position: { ...FULL, offset: 51 }, ledger: [ledgerRow(group, 0)] })
    assert.equal((await stranger.get(paths.value(group, at(0))))?.data.toString('latin1'), '51')
    const consumers = `/consumers/${group}`
    assert.deepEqual(await tree(stranger, consumers), [
      consumers,
      `${consumers}/offsets`,
      `${consumers}/offsets/orders`,
      `${consumers}/offsets/orders/0`,
    ])
  })

  const unreadable: [text: string | Buffer, raw: string][] = [
    ['41\n', '41\\n'],
    [' 41', ' 41'],
    ['+41', '+41'],
    ['9223372036854775807', '9223372036854775807'],
    ['9007199254740992', '9007199254740992'],
    ['\u001b[2Jab\u202ec', '\\u{1b}[2Jab\\u{202e}c'],
    [Buffer.from([0x34, 0xff, 0x31]), '4ÿ1'],
  ]
  for (const [text, raw] of unreadable) {
    it(`${JSON.stringify(raw)} is corrupt, shown without control characters, and not overwritten by a take`, async () => {
      await using scene = new Scene(server)
      const [stranger, store, group] = [scene.stranger(), await scene.open(), randomUUID()]
      await plant(stranger, { path: paths.value(group, at(0)), data: Buffer.from(text as string) })
      const custody = await loadOne(store, group)
      assert.ok(custody.stored.state === 'corrupt')
      assert.equal(custody.stored.raw, raw)
      assert.equal((await saveOne(store, group, writeOf(custody, { position: undefined, ownerEpoch: 1 }))).status, 'saved')
      assert.deepEqual((await stranger.get(paths.value(group, at(0))))?.data, Buffer.from(text as string))
    })
  }

  it('a znode without data is corrupt, not offset 0', async () => {
    await using scene = new Scene(server)
    const [stranger, store, group] = [scene.stranger(), await scene.open(), randomUUID()]
    await plant(stranger, { path: paths.value(group, at(0)) })
    assert.deepEqual((await loadOne(store, group)).stored, { state: 'corrupt', raw: '', reason: 'it is empty' })
  })

  it('strange names among topics and partitions are left alone', async () => {
    await using scene = new Scene(server)
    const [stranger, store, group] = [scene.stranger(), await scene.open(), randomUUID()]
    for (const name of ['0', '00', '-1', 'x', '99999999999']) {
      await plant(stranger, { path: `${paths.offsets(group)}/orders/${name}`, data: Buffer.from('7') })
    }
    assert.deepEqual(
      (await store.load(group)).map(({ partition }) => partition),
      [0],
    )
  })
})

describe('a number that another program moved', () => {
  it('has no identity, keeps its owner epoch, and a save that did not see it is refused', async () => {
    await using scene = new Scene(server)
    const [stranger, store, group] = [scene.stranger(), await scene.open(), randomUUID()]
    const ours = await put(store, group, {
      position: FULL,
      ownerEpoch: 3,
      owner: 'worker',
      planned: { fromOffset: 1_200, untilOffset: 1_250 },
    })
    await stranger.set(paths.value(group, at(0)), Buffer.from('1250'))
    const moved = await loadOne(store, group)
    assert.deepEqual(Object.keys(positionOf(moved) ?? {}).toSorted(), ['commitTime', 'offset'])
    assert.deepEqual(
      [positionOf(moved)?.offset, moved.ownerEpoch, moved.owner, moved.saveId, moved.planned],
      [1_250, 3, 'worker', undefined, undefined],
    )
    const refused = await saveOne(store, group, writeOf(ours, { ledger: [ledgerRow(group, 0)] }))
    assert.ok(refused.status === 'changed')
    assert.deepEqual(refused.found, moved)
    assert.deepEqual(await store.ledger({ group }), [])
  })

  it('has none either when it moved to the very number that was there', async () => {
    await using scene = new Scene(server)
    const [stranger, store, group] = [scene.stranger(), await scene.open(), randomUUID()]
    await put(store, group, { position: FULL })
    await stranger.set(paths.value(group, at(0)), Buffer.from(String(FULL.offset)))
    assert.equal(positionOf(await loadOne(store, group))?.topicId, undefined)
  })

  it('is adopted by a take without being rewritten: the stored identity does not come back', async () => {
    await using scene = new Scene(server)
    const [stranger, store, group] = [scene.stranger(), await scene.open(), randomUUID()]
    await put(store, group, { position: FULL, ownerEpoch: 1 })
    await stranger.set(paths.value(group, at(0)), Buffer.from('8'))
    const before = await stranger.get(paths.value(group, at(0)))
    const taken = await put(store, group, {
      position: undefined,
      ownerEpoch: 2,
      saveId: 'take',
      planned: { fromOffset: 8, untilOffset: 9 },
    })
    assert.deepEqual((await stranger.get(paths.value(group, at(0))))?.stat, before?.stat)
    assert.deepEqual(positionOf(taken), { offset: 8, commitTime: before?.stat.mtime })
    assert.deepEqual([taken.saveId, taken.ownerEpoch, taken.planned], ['take', 2, { fromOffset: 8, untilOffset: 9 }])
    await stranger.set(paths.value(group, at(0)), Buffer.from('9'))
    const again = await loadOne(store, group)
    assert.deepEqual([positionOf(again)?.offset, again.saveId, again.planned], [9, undefined, undefined])
  })

  it('is not what a busy worker’s number looks like to a reader beside it', async () => {
    await using scene = new Scene(server)
    const [store, reader, group] = [await scene.open(), await scene.open(), randomUUID()]
    let custody = await put(store, group, { position: FULL })
    const done = new AbortController()
    const work = (async () => {
      for (let offset = 1; offset <= 300; offset++) custody = await put(store, group, { position: { ...FULL, offset } })
      done.abort()
    })()
    while (!done.signal.aborted) assert.equal(positionOf(await loadOne(reader, group))?.topicId, FULL.topicId)
    await work
    assert.deepEqual(await loadOne(reader, group), custody)
  })

  it('is noticed when it was removed and made anew at the same version', async () => {
    await using scene = new Scene(server)
    const [stranger, store, group] = [scene.stranger(), await scene.open(), randomUUID()]
    const path = paths.value(group, at(0))
    await plant(stranger, { path, data: Buffer.from('5') })
    const seen = await loadOne(store, group)
    await stranger.remove(path)
    await plant(stranger, { path, data: Buffer.from('900') })
    assert.equal((await saveOne(store, group, writeOf(seen))).status, 'changed')
    assert.equal((await stranger.get(path))?.data.toString(), '900')
  })
})

describe('a group that vanished', () => {
  it('leaves the trace of what was lost when /consumers/<group> is deleted, and can begin again', async () => {
    await using scene = new Scene(server)
    const [stranger, store, group] = [scene.stranger(), await scene.open(), randomUUID()]
    await put(store, group, { position: FULL, ownerEpoch: 4 })
    await put(store, group, { position: { offset: 9 }, planned: { fromOffset: 9, untilOffset: 12 } }, at(1))
    await removeAll(stranger, `/consumers/${group}`)
    const found = await store.load(group)
    assert.deepEqual(
      found.map(({ stored, trace, saveId, ownerEpoch }) => [stored.state, trace, saveId, ownerEpoch]),
      [
        ['absent', 'sidecar', undefined, 4],
        ['absent', 'planned', undefined, 0],
      ],
    )
    assert.ok((await store.groups()).includes(group))
    const taken = await put(store, group, { position: undefined, ownerEpoch: 5 })
    assert.equal(taken.trace, 'sidecar', 'a take must not wipe out the trace')
    const repaired = await put(store, group, { position: { offset: 40 } })
    assert.deepEqual([positionOf(repaired)?.offset, repaired.ownerEpoch, repaired.trace], [40, 5, undefined])
  })

  it('is still named by its ledger when our positions are gone too', async () => {
    await using scene = new Scene(server)
    const [stranger, store, group] = [scene.stranger(), await scene.open(), randomUUID()]
    await put(store, group, { ledger: [ledgerRow(group, 0)] })
    await removeAll(stranger, `/consumers/${group}`)
    await removeAll(stranger, paths.positions(group))
    for (const custody of [await loadOne(store, group), ...(await store.load(group))]) {
      assert.deepEqual([custody.stored.state, custody.trace], ['absent', 'ledger'])
    }
    await put(store, group)
  })

  it('a take of a partition that never had an offset leaves no trace of one', async () => {
    await using scene = new Scene(server)
    const [store, group] = [await scene.open(), randomUUID()]
    const taken = await put(store, group, { position: undefined, ownerEpoch: 1, owner: 'first', saveId: 'take' })
    assert.deepEqual([taken.stored.state, taken.trace, taken.ownerEpoch, taken.saveId], ['absent', undefined, 1, 'take'])
  })
})

describe('a sidecar that can’t be read', () => {
  for (const garbage of ['', '{', '[]', '{"v":2,"ownerEpoch":9,"saveId":"s"}', '{"v":1,"ownerEpoch":-1,"saveId":"s"}']) {
    it(`${JSON.stringify(garbage)} costs the identity but not the number, and nothing is saved over it`, async () => {
      await using scene = new Scene(server)
      const [stranger, store, group] = [scene.stranger(), await scene.open(), randomUUID()]
      const before = await put(store, group, { position: FULL, ownerEpoch: 9 })
      await stranger.set(paths.sidecar(group, at(0)), Buffer.from(garbage))
      const custody = await loadOne(store, group)
      assert.deepEqual([positionOf(custody)?.offset, positionOf(custody)?.topicId], [FULL.offset, undefined])
      for (const seen of [before, custody]) {
        for (const ownerEpoch of [0, 10]) {
          await assert.rejects(saveOne(store, group, writeOf(seen, { ownerEpoch })), (error: Error) => {
            assert.match(error.message, new RegExp(`${paths.sidecar(group, at(0))} can't be read`))
            return code('STORE_CORRUPT')(error)
          })
        }
      }
      assert.equal((await stranger.get(paths.value(group, at(0))))?.data.toString(), String(FULL.offset))
    })
  }

  it('is the trace of an offset where the number is gone', async () => {
    await using scene = new Scene(server)
    const [stranger, store, group] = [scene.stranger(), await scene.open(), randomUUID()]
    await plant(stranger, { path: paths.sidecar(group, at(0)), data: Buffer.from('?') })
    assert.equal((await loadOne(store, group)).trace, 'sidecar')
  })

  it('a damaged ledger znode fails the account instead of leaving a hole in it', async () => {
    await using scene = new Scene(server)
    const [stranger, store, group] = [scene.stranger(), await scene.open(), randomUUID()]
    await plant(stranger, { path: `${paths.ledger(group)}/2026-01-01/r-0000000000`, data: Buffer.from('{}') })
    await assert.rejects(store.ledger({ group }), code('STORE_CORRUPT'))
  })
})

describe('names and roots', () => {
  it('a chroot that does not exist is refused, for reading and for writing, and not made', async () => {
    await using scene = new Scene(server)
    for (const mode of ['read', 'write'] as const) {
      await assert.rejects(scene.open('/no/such', { mode }), (error: Error) => {
        assert.match(error.message, /no znode \/no\/such .*create/)
        return code('STORE_NOT_FOUND')(error)
      })
    }
    assert.equal(await scene.stranger().exists('/no'), undefined)
  })

  it('groups under a chroot are not those of the root', async () => {
    await using scene = new Scene(server)
    const [stranger, group] = [scene.stranger(), randomUUID()]
    await plant(stranger, { path: '/kafka äö/x' })
    const [root, below] = [await scene.open(), await scene.open('/kafka%20%C3%A4%C3%B6/x/')]
    await put(below, group, { position: { offset: 5 }, ledger: [ledgerRow(group, 0)] })
    await put(root, group, { position: { offset: 6 } })
    assert.equal(positionOf(await loadOne(below, group))?.offset, 5)
    assert.deepEqual([(await root.ledger({ group })).length, (await below.ledger({ group })).length], [0, 1])
    assert.equal((await stranger.get(`/kafka äö/x/consumers/${group}/offsets/orders/0`))?.data.toString(), '5')
  })

  for (const name of ['', '.', '..', 'a/b', 'a\nb', 'a\u0000', '\u0085', '😀', '\ue000']) {
    it(`the group name ${JSON.stringify(name)} is refused before anything is asked`, async () => {
      await using scene = new Scene(server)
      const store = await scene.open()
      await assert.rejects(store.load(name), code('GROUP_NAME'))
      await assert.rejects(store.load(name, [at(0)]), code('GROUP_NAME'))
      await assert.rejects(store.save(name, []), code('GROUP_NAME'))
      await assert.rejects(store.members(name), code('GROUP_NAME'))
    })
  }

  it('reading makes no znode', async () => {
    await using scene = new Scene(server)
    const stranger = scene.stranger()
    await plant(stranger, { path: '/empty' })
    const before = await tree(stranger)
    const store = await scene.open('/empty', { mode: 'read' })
    assert.deepEqual(await Promise.all([store.groups(), store.load('g'), store.ledger({}), store.members('g')]), [[], [], [], []])
    assert.deepEqual((await loadOne(store, 'g')).stored, { state: 'absent' })
    assert.deepEqual(await tree(stranger), before)
  })

  it('many workers that make the same folders at once do not fail each other', async () => {
    await using scene = new Scene(server)
    const stores = await Promise.all([1, 2, 3, 4].map(() => scene.open()))
    const group = randomUUID()
    const results = await Promise.all(
      stores.map((store, partition) => saveOne(store, group, writeOf({ ...blank, partition }, { ledger: [ledgerRow(group, partition)] }))),
    )
    assert.deepEqual(
      results.map(({ status }) => status),
      ['saved', 'saved', 'saved', 'saved'],
    )
  })

  it('folders that were removed while the store was open are made again', async () => {
    await using scene = new Scene(server)
    const [stranger, store, group] = [scene.stranger(), await scene.open(), randomUUID()]
    await put(store, group, { ledger: [ledgerRow(group, 0)] })
    await removeAll(stranger, `/consumers/${group}`)
    await removeAll(stranger, `/tidemark/${group}`)
    await put(store, group, { ledger: [ledgerRow(group, 0)] })
    assert.equal((await store.ledger({ group })).length, 1)
  })

  it('a save beyond ZooKeeper’s 1 MiB for one request goes in several, and comes back whole', async () => {
    await using scene = new Scene(server)
    const [store, group] = [await scene.open(), randomUUID()]
    const evidence = ['x'.repeat(40_000)]
    const writes = Array.from({ length: 60 }, (_, partition) =>
      writeOf({ ...blank, partition }, { position: { offset: partition }, ledger: [ledgerRow(group, partition, { evidence })] }),
    )
    const results = await store.save(group, writes)
    assert.ok(results.every(({ status }) => status === 'saved'))
    assert.equal((await store.load(group)).length, 60)
    assert.equal((await store.ledger({ group })).length, 60)
  })

  it('a move whose account no request can hold is refused, and the connection stays', async () => {
    await using scene = new Scene(server)
    const [store, group] = [await scene.open(), randomUUID()]
    const huge = writeOf(blank, { ledger: [ledgerRow(group, 0, { evidence: ['x'.repeat(1_000_000)] })] })
    await assert.rejects(store.save(group, [huge]), code('USAGE'))
    assert.deepEqual(await store.load(group), [])
  })
})

const blank = { ...at(0), stored: { state: 'absent' as const }, ownerEpoch: 0, revision: '- - 0' }

describe('digest authentication', () => {
  it('a wrong password is denied, the right one is not, all may read, and no message has the password', async () => {
    await using scene = new Scene(server)
    const [stranger, group] = [scene.stranger(), randomUUID()]
    const as = (user: string) => scene.open('', { at: `${user}@${server.connectString}` })
    const [owner, impostor, nobody] = [await as('anna:s%3Acret'), await as('anna:wr0ng'), await scene.open()]
    const mine = await put(owner, group, { position: { offset: 1 }, ledger: [ledgerRow(group, 0)] })
    for (const other of [impostor, nobody]) {
      assert.equal(positionOf(await loadOne(other, group))?.offset, 1)
      for (const write of [writeOf(mine), writeOf({ ...mine, partition: 1, revision: '- - 0' })]) {
        await assert.rejects(saveOne(other, group, write), (error: Error) => {
          assert.doesNotMatch(error.message, /wr0ng|cret/)
          return code('STORE_DENIED')(error)
        })
      }
    }
    await put(owner, group, { position: { offset: 2 } })
    await removeAll(scene.stranger('anna:s:cret'), `/consumers/${group}`)
    assert.equal(await stranger.exists(`/consumers/${group}`), undefined)
  })

  it('the roots that we make stay open to the groups of others', async () => {
    await using scene = new Scene(server)
    const [stranger, group] = [scene.stranger(), randomUUID()]
    await plant(stranger, { path: '/shared' })
    const anna = await scene.open('/shared', { at: `anna:secret@${server.connectString}` })
    await put(anna, group)
    await put(await scene.open('/shared'), `${group}-2`)
  })
})
