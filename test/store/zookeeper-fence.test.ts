import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { zooKeeperFrames } from '../../lab/frames.ts'
import { startProxy, type Proxy } from '../../lab/proxy.ts'
import { startZooKeeper, type ZooKeeperServer } from '../../lab/zookeeper.ts'
import { positionOf } from '../../src/core/custody.ts'
import { pathsUnder } from '../../src/store/zookeeper/paths.ts'
import { at, FULL, ledgerRow, loadOne, put, saveOne, writeOf } from '../../src/testing/conformance/harness.ts'
import { kinds, plant, Scene } from './zookeeper-scene.ts'

const paths = pathsUnder('')
let server: ZooKeeperServer
let proxy: Proxy

before(async () => {
  server = await startZooKeeper()
  proxy = await startProxy({ target: server.port, protocol: zooKeeperFrames })
})
after(async () => {
  await proxy.close()
  await server.close()
})

describe('the fence', () => {
  for (const [what, position] of [
    ['progress', { offset: 7 }],
    ['a plan, which reads first,', undefined],
  ] as const) {
    it(`${what} of an old writer, held on its way to the server while a new one takes over, is fenced and writes nothing`, async () => {
      await using scene = new Scene(server)
      const [old, next, group] = [await scene.open('', { at: proxy.address }), await scene.open(), randomUUID()]
      const seen = await put(old, group, { position: FULL, ownerEpoch: 1, owner: 'old' })
      const hold = proxy.hold(kinds.multi, 'requests')
      const saving = saveOne(
        old,
        group,
        writeOf(seen, { position, planned: { fromOffset: 1_200, untilOffset: 1_201 }, ledger: [ledgerRow(group, 0)] }),
      )
      await hold.arrived
      const taken = await put(next, group, { position: undefined, ownerEpoch: 2, owner: 'next' })
      hold.release()
      assert.deepEqual(await saving, { status: 'fenced', ownerEpoch: 2, owner: 'next' })
      assert.deepEqual(await loadOne(next, group), taken)
      assert.deepEqual(await next.ledger({ group }), [])
    })
  }

  it('holds when another program moved the number in between: fenced is decided before changed', async () => {
    await using scene = new Scene(server)
    const [stranger, store, group] = [scene.stranger(), await scene.open(), randomUUID()]
    const old = await put(store, group, { position: FULL, ownerEpoch: 1 })
    await put(store, group, { position: undefined, ownerEpoch: 2, owner: 'next' })
    await stranger.set(paths.value(group, at(0)), Buffer.from('3'))
    assert.equal((await saveOne(store, group, writeOf(old))).status, 'fenced')
  })

  it('a stale version 0 does not mean "any version": neither znode is overwritten', async () => {
    await using scene = new Scene(server)
    const [store, group] = [await scene.open(), randomUUID()]
    const first = await put(store, group, { position: { offset: 1 } })
    assert.match(first.revision, /^0@0x[\da-f]+ 0@0x[\da-f]+ 0$/)
    await put(store, group, { position: { offset: 2 } })
    // Without the look that a version 0 is preceded by, so that only the multi itself can refuse.
    const outcome = await scene.stranger().multi(
      [
        { kind: 'check', path: paths.sidecar(group, at(0)), version: 1 },
        { kind: 'set', path: paths.value(group, at(0)), version: 0, data: Buffer.from('3') },
      ],
      Date.now() + 1_000,
    )
    assert.deepEqual(outcome, { ok: false, index: 1, code: -103 })
    assert.equal((await saveOne(store, group, writeOf(first, { position: { offset: 3 } }))).status, 'changed')
    assert.equal(positionOf(await loadOne(store, group))?.offset, 2)
  })

  it('an owner whose sidecar was removed and made anew by another one does not pass for that one', async () => {
    await using scene = new Scene(server)
    const [stranger, store, group] = [scene.stranger(), await scene.open(), randomUUID()]
    await plant(stranger, { path: paths.value(group, at(0)), data: Buffer.from('5') })
    await stranger.set(paths.value(group, at(0)), Buffer.from('6'))
    const mine = await put(store, group, { position: undefined, ownerEpoch: 1, owner: 'mine' })
    await stranger.remove(paths.sidecar(group, at(0)))
    await put(store, group, { position: undefined, ownerEpoch: 1, owner: 'theirs' })
    assert.equal((await saveOne(store, group, writeOf(mine))).status, 'changed')
  })

  it('two writers that race 200 times over eight partitions: exactly one wins each, and nothing is lost', async () => {
    await using scene = new Scene(server)
    const [one, two, group] = [await scene.open(), await scene.open(), randomUUID()]
    const partitions = [0, 1, 2, 3, 4, 5, 6, 7].map(at)
    let seen = await one.load(group, partitions)
    for (let round = 1; round <= 200; round++) {
      const results = await Promise.all(
        [one, two].map((store, writer) =>
          store.save(
            group,
            seen.map((custody) => writeOf(custody, { position: { offset: round * 10 + writer } })),
          ),
        ),
      )
      seen = await one.load(group, partitions)
      for (const [partition, custody] of seen.entries()) {
        const statuses = results.map((result) => result[partition]?.status ?? 'none')
        assert.deepEqual(statuses.toSorted(), ['changed', 'saved'])
        assert.equal(positionOf(custody)?.offset, round * 10 + statuses.indexOf('saved'))
      }
    }
  })

  it('a worker killed with its session still alive stops neither a take nor a save of the next one', async () => {
    await using scene = new Scene(server)
    const [dead, next, group] = [await scene.open('?session-timeout=10000', { at: proxy.address }), await scene.open(), randomUUID()]
    const member = { id: 'worker', program: 'tidemark', host: 'h', seenAt: 1 }
    await dead.heartbeat(group, member)
    await put(dead, group, { position: { offset: 4 }, ownerEpoch: 1, planned: { fromOffset: 4, untilOffset: 9 } })
    proxy.cut()
    const taken = await put(next, group, { position: undefined, ownerEpoch: 2, planned: { fromOffset: 4, untilOffset: 9 } })
    assert.deepEqual([positionOf(taken)?.offset, taken.planned], [4, { fromOffset: 4, untilOffset: 9 }])
    await put(next, group, { position: { offset: 9 } })
    await next.heartbeat(group, { ...member, seenAt: 2 })
    // The znode that the dead session left is replaced: it is the new one's, and stays when the old session ends.
    const znode = await scene.stranger().get(`${paths.members(group)}/m-worker`)
    proxy.heal()
    await dead.close()
    assert.deepEqual(await next.members(group), [{ ...member, seenAt: 2 }])
    assert.notEqual(znode?.stat.ephemeralOwner, '0x0')
  })
})
