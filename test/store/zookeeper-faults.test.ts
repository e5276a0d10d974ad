import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { connect, createServer, type AddressInfo, type Server } from 'node:net'
import { once } from 'node:events'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { FrameSplitter, zooKeeperFrames } from '../../lab/frames.ts'
import { startProxy, type Proxy } from '../../lab/proxy.ts'
import { waitFor } from '../../lab/wait.ts'
import { startZooKeeper, type ZooKeeperServer } from '../../lab/zookeeper.ts'
import { positionOf } from '../../src/core/custody.ts'
import type { StoreDriver } from '../../src/store/driver.ts'
import { openStore } from '../../src/store/store.ts'
import { Session } from '../../src/store/zookeeper/session.ts'
import { code, FULL, ledgerRow, loadOne, put, saveOne, writeOf } from '../../src/testing/conformance/harness.ts'
import { kinds, Scene } from './zookeeper-scene.ts'

let server: ZooKeeperServer
let proxy: Proxy
const member = { id: 'worker', program: 'tidemark', host: 'h', seenAt: 1 }

before(async () => {
  server = await startZooKeeper()
  proxy = await startProxy({ target: server.port, protocol: zooKeeperFrames })
})
after(async () => {
  await proxy.close()
  await server.close()
})

/** The store seen through the proxy, and another handle that no fault reaches. */
async function both(scene: Scene, options: { timeoutMs?: number; rest?: string } = {}): Promise<[StoreDriver, StoreDriver, string]> {
  return [await scene.open(options.rest, { at: proxy.address, ...options }), await scene.open(), randomUUID()]
}

describe('a connection lost during a save', () => {
  it('after the server applied the multi and before its reply: the outcome is unknown, and the save ID tells that it was done', async () => {
    await using scene = new Scene(server)
    const [store, other, group] = await both(scene)
    const seen = await put(store, group, { position: FULL })
    const cut = proxy.loseReply(kinds.multi)
    await assert.rejects(saveOne(store, group, writeOf(seen, { position: { offset: 9 }, saveId: 'lost' })), code('STORE_OUTCOME_UNKNOWN'))
    await cut
    const found = await loadOne(store, group)
    assert.deepEqual([positionOf(found)?.offset, found.saveId], [9, 'lost'])
    assert.deepEqual(await loadOne(other, group), found)
  })

  for (const [where, lose] of [
    ['after the server applied it', 'loseReply'],
    ['before the server saw it', 'loseRequest'],
  ] as const) {
    it(`${where}: openStore finds out and answers saved, with the move and its ledger row there once`, async () => {
      await using scene = new Scene(server)
      const [driver, other, group] = await both(scene)
      const store = await openStore(driver)
      for (const position of [FULL, undefined, { offset: 5 }]) {
        const [seen] = await store.load(group, [{ topic: 'orders', partition: 0 }])
        assert.ok(seen)
        void proxy[lose](kinds.multi)
        const [result] = await store.save(group, [
          writeOf(seen, { position, ownerEpoch: seen.ownerEpoch + 1, ledger: [ledgerRow(group, 0)] }),
        ])
        const found = await loadOne(other, group)
        assert.deepEqual(result, { status: 'saved', revision: found.revision })
        assert.equal(found.ownerEpoch, seen.ownerEpoch + 1)
      }
      assert.equal((await other.ledger({ group })).length, 3)
    })
  }

  it('while it made the folders: nothing was written, and that is said', async () => {
    await using scene = new Scene(server)
    const [store, other, group] = await both(scene)
    const seen = await loadOne(store, group)
    void proxy.loseReply(kinds.create)
    await assert.rejects(saveOne(store, group, writeOf(seen)), code('STORE_UNREACHABLE'))
    assert.deepEqual((await loadOne(other, group)).stored, { state: 'absent' })
    assert.equal((await saveOne(store, group, writeOf(seen))).status, 'saved')
  })
})

describe('a connection lost otherwise', () => {
  it('during a read: it is said that the store is out of reach, and the next read has it', async () => {
    await using scene = new Scene(server)
    const [store, , group] = await both(scene)
    const seen = await put(store, group)
    void proxy.loseReply(kinds.multiRead)
    await assert.rejects(loadOne(store, group), code('STORE_UNREACHABLE'))
    assert.deepEqual(await loadOne(store, group), seen)
  })

  it('a save while there is none fails as not written, and is not sent when there is one again', async () => {
    await using scene = new Scene(server)
    const [store, other, group] = await both(scene, { timeoutMs: 2_000 })
    const seen = await put(store, group)
    proxy.cut()
    await assert.rejects(saveOne(store, group, writeOf(seen, { position: { offset: 99 } })), code('STORE_UNREACHABLE'))
    const multis = proxy.requestCounts.get(kinds.multi)
    proxy.heal()
    assert.deepEqual(await loadOne(store, group), seen)
    await sleep(300)
    assert.equal(proxy.requestCounts.get(kinds.multi), multis)
    assert.deepEqual(await loadOne(other, group), seen)
  })

  it('the session outlives it: the member is still there without a heartbeat', async () => {
    await using scene = new Scene(server)
    const [store, other, group] = await both(scene)
    await store.heartbeat(group, member)
    const before = await scene.stranger().get(`/tidemark/${group}/members/m-worker`)
    proxy.dropConnections()
    await eventually(() => store.groups())
    await sleep(1_500)
    assert.deepEqual(await other.members(group), [member])
    await store.heartbeat(group, { ...member, seenAt: 2 })
    const after = await scene.stranger().get(`/tidemark/${group}/members/m-worker`)
    assert.equal(after?.stat.ephemeralOwner, before?.stat.ephemeralOwner)
    assert.deepEqual(await other.members(group), [{ ...member, seenAt: 2 }])
  })

  it('half-open, with nothing coming back: each call ends by itself, and what was sent is not carried out late', async () => {
    await using scene = new Scene(server)
    const [store, other, group] = await both(scene, { timeoutMs: 2_000 })
    await put(store, group)
    const seen = await put(store, group)
    proxy.freeze('requests', 'replies')
    try {
      const from = Date.now()
      await assert.rejects(saveOne(store, group, writeOf(seen, { position: { offset: 99 } })), code('STORE_OUTCOME_UNKNOWN'))
      await assert.rejects(loadOne(store, group), code('STORE_UNREACHABLE'))
      assert.ok(Date.now() - from < 4_000, `it took ${Date.now() - from} ms`)
    } finally {
      proxy.heal()
    }
    assert.deepEqual(await loadOne(store, group), seen)
    await sleep(300)
    assert.deepEqual(await loadOne(other, group), seen)
  })

  it('between thousands of reads none is answered with another one’s data', async () => {
    await using scene = new Scene(server)
    const [store, , group] = await both(scene)
    const partitions = Array.from({ length: 500 }, (_, partition) => ({ topic: 'orders', partition }))
    const blank = await store.load(group, partitions)
    await store.save(
      group,
      blank.map((custody) => writeOf(custody, { position: { ...FULL, offset: custody.partition } })),
    )
    for (let round = 0; round < 10; round++) {
      const loading = store.load(group, partitions).catch((error: unknown) => code('STORE_UNREACHABLE')(error))
      await sleep(round * 3)
      proxy.dropConnections()
      await loading
      for (const custody of await eventually(() => store.load(group, partitions)))
        assert.equal(positionOf(custody)?.offset, custody.partition)
    }
  })
})

describe('a server', () => {
  it('paused beyond the session time-out and resumed: the store goes on, and the member is seen again', async () => {
    await using scene = new Scene(server)
    const [store, group] = [await scene.open('?session-timeout=1000', { timeoutMs: 4_000 }), randomUUID()]
    const seen = await put(store, group)
    await store.heartbeat(group, member)
    await paused()
    try {
      await assert.rejects(loadOne(store, group), code('STORE_UNREACHABLE'))
      await assert.rejects(store.heartbeat(group, member), code('STORE_UNREACHABLE'))
      await sleep(2_000)
    } finally {
      server.resume()
    }
    assert.deepEqual(await eventually(() => loadOne(store, group)), seen)
    await eventually(() => store.heartbeat(group, { ...member, seenAt: 2 }))
    await sleep(1_500)
    assert.deepEqual(await store.members(group), [{ ...member, seenAt: 2 }])
    assert.equal((await saveOne(store, group, writeOf(seen))).status, 'saved')
  })

  it('that lost the session while we were away: the member is made anew in the next one', async () => {
    await using scene = new Scene(server)
    const [store, other, group] = await both(scene, { rest: '?session-timeout=1000' })
    await store.heartbeat(group, member)
    proxy.cut()
    await waitFor('the session to expire', async () => (await other.members(group)).length === 0)
    proxy.heal()
    await store.heartbeat(group, { ...member, seenAt: 2 })
    assert.deepEqual(await other.members(group), [{ ...member, seenAt: 2 }])
    await store.leave(group, member.id)
    assert.deepEqual(await other.members(group), [])
  })

  it('killed and started again: all that was saved is there, and the same handle goes on', async () => {
    await using scene = new Scene(server)
    const [store, group] = [await scene.open('', { timeoutMs: 2_000 }), randomUUID()]
    const seen = await put(store, group, { position: FULL, ledger: [ledgerRow(group, 0)] })
    await server.kill()
    await assert.rejects(loadOne(store, group), (error: Error) => {
      assert.match(error.message, new RegExp(`${server.connectString}.*ECONNREFUSED`))
      return code('STORE_UNREACHABLE')(error)
    })
    await server.start()
    assert.deepEqual(await eventually(() => loadOne(store, group)), seen)
    assert.equal((await saveOne(store, group, writeOf(seen))).status, 'saved')
  })

  it('that is dead among several does not matter', async () => {
    await using scene = new Scene(server)
    const dead = await startProxy({ target: server.port, protocol: zooKeeperFrames })
    await dead.close()
    const group = randomUUID()
    // The order is drawn anew by each handle: some of these try the dead one first.
    for (let round = 0; round < 8; round++) await put(await scene.open('', { at: `${dead.address},${server.connectString}` }), group)
  })

  it('that does not exist is reported with its address when the time-out is over', async () => {
    await using scene = new Scene(server)
    const from = Date.now()
    await assert.rejects(scene.open('', { at: '127.0.0.1:1', timeoutMs: 700 }), code('STORE_UNREACHABLE'))
    assert.ok(Date.now() - from < 1_500)
  })

  it('that accepts and never answers holds neither an opening nor a closing up', async () => {
    proxy.freeze('requests')
    try {
      const session = new Session({ servers: [{ host: '127.0.0.1', port: proxy.port }], sessionTimeout: 10_000, timeoutMs: 60_000 })
      const opening = assert.rejects(session.open(), code('STORE_UNREACHABLE'))
      await sleep(200)
      const from = Date.now()
      await session.close()
      await opening
      assert.ok(Date.now() - from < 1_000)
    } finally {
      proxy.heal()
    }
  })

  it('closing ends the session: its member is gone at once', async () => {
    await using scene = new Scene(server)
    const [store, other, group] = await both(scene)
    await store.heartbeat(group, member)
    await store.close()
    assert.deepEqual(await other.members(group), [])
    await assert.rejects(store.groups(), code('STORE_UNREACHABLE'))
  })

  it('paused at the closing does not hold it up', async () => {
    await using scene = new Scene(server)
    const store = await scene.open()
    await paused()
    const from = Date.now()
    await store.close()
    server.resume()
    assert.ok(Date.now() - from < 4_000)
  })

  it('before 3.6, which can’t read many znodes with one request, is asked one by one', async () => {
    await using scene = new Scene(server)
    const old = await oldServer()
    const { port } = old.address() as AddressInfo
    const [store, other, group] = [await scene.open('', { at: `127.0.0.1:${port}` }), await scene.open(), randomUUID()]
    const seen = await put(store, group, { position: FULL, ledger: [ledgerRow(group, 0)] })
    assert.deepEqual([await loadOne(store, group), await store.ledger({ group })], [seen, [ledgerRow(group, 0)]])
    assert.deepEqual(await loadOne(other, group), seen)
    const another = await scene.open('', { at: `127.0.0.1:${port}` })
    const many = Array.from({ length: 500 }, (_, partition) => ({ topic: 'orders', partition }))
    assert.deepEqual(await another.load(group, many), await other.load(group, many))
    for (const handle of [store, another]) await handle.close()
    old.close()
  })

  const unreadable: [what: string, answer: Buffer][] = [
    ['an error code that the library does not know', reply(0, -127)],
    ['a length below zero', Buffer.from([0xff, 0xff, 0xff, 0xfe])],
    ['an answer to a request that nobody made', reply(77, 0)],
  ]
  for (const [what, answer] of unreadable) {
    it(`that sends ${what} is an error of the store, not the end of the process`, async () => {
      await using scene = new Scene(server)
      const strange = await strangeServer(answer)
      const { port } = strange.address() as AddressInfo
      await assert.rejects(scene.open('', { at: `127.0.0.1:${port}`, timeoutMs: 500 }), code('STORE_UNREACHABLE'))
      strange.close()
    })
  }
})

/** Freezes the server, which takes a moment. */
async function paused(): Promise<void> {
  server.pause()
  await sleep(200)
}

/** Asks until there is an answer: a server that comes back needs a moment. */
async function eventually<T>(ask: () => Promise<T>): Promise<T> {
  const { answer } = await waitFor('the store to answer', async () => ({ answer: await ask() }))
  return answer
}

/** A reply of ZooKeeper's: its length, the request's number, a transaction, an error code. */
function reply(id: number, error: number): Buffer {
  const frame = Buffer.alloc(20)
  frame.writeInt32BE(16, 0)
  frame.writeInt32BE(id, 4)
  frame.writeInt32BE(error, 16)
  return frame
}

/** The server as one of 3.5 sees it: to its MULTI_READs a number that no server knows is put instead. */
async function oldServer(): Promise<Server> {
  const old = createServer((socket) => {
    const target = connect(server.port, '127.0.0.1')
    const frames = new FrameSplitter()
    for (const [one, other] of [
      [socket, target],
      [target, socket],
    ] as const) {
      one.on('error', () => undefined)
      one.on('close', () => other.destroy())
    }
    target.pipe(socket)
    socket.on('data', (chunk) => {
      for (const frame of frames.push(chunk)) {
        if (zooKeeperFrames.kindOf(frame) === kinds.multiRead) frame.writeInt32BE(222, 8)
        target.write(frame)
      }
    })
  })
  // Does not hold up the end of a failing test.
  old.listen(0, '127.0.0.1').unref()
  await once(old, 'listening')
  return old
}

/** Accepts every session, and then gives always the same answer. */
async function strangeServer(answer: Buffer): Promise<Server> {
  const accepted = Buffer.alloc(4 + 4 + 4 + 8 + 4 + 16)
  accepted.writeInt32BE(accepted.length - 4, 0)
  accepted.writeInt32BE(10_000, 8)
  accepted.writeInt32BE(16, 20)
  const strange = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => {
      socket.write(accepted)
      socket.on('data', () => socket.write(answer))
    })
  })
  strange.listen(0, '127.0.0.1').unref()
  await once(strange, 'listening')
  return strange
}
