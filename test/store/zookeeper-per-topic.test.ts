import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { zooKeeperFrames } from '../../lab/frames.ts'
import { startProxy } from '../../lab/proxy.ts'
import { startZooKeeper, type ZooKeeperServer } from '../../lab/zookeeper.ts'
import { positionOf, type Custody } from '../../src/core/custody.ts'
import type { StoreDriver } from '../../src/store/driver.ts'
import { at, code, FULL, ledgerRow, loadOne, put, saveOne, writeOf } from '../../src/testing/conformance/harness.ts'
import { kinds, plant, removeAll, Scene, tree } from './zookeeper-scene.ts'

let server: ZooKeeperServer

before(async () => {
  server = await startZooKeeper()
})
after(() => server.close())

const LAYOUT = '?layout=per-topic&path=/spark/{group}/offsets'
const stringOf = (group: string, topic = 'orders'): string => `/spark/${group}/offsets/${topic}`

/** How the job of the article reads the string (its second version; the first one does the same with another znode). */
function asTheOldJobReads(text: string): Map<number, number> {
  const parts = text.split(',').map((part) => part.split(':'))
  return new Map(parts.map(([partition, offset]) => [Number.parseInt(partition ?? '', 10), Number(offset)]))
}

function offsetsIn(custodies: readonly Custody[]): Record<string, number | string> {
  return Object.fromEntries(
    custodies.map((custody) => [
      `${custody.topic}-${custody.partition}`,
      positionOf(custody)?.offset ?? (custody.stored.state === 'corrupt' ? `corrupt ${custody.stored.raw}` : custody.stored.state),
    ]),
  )
}

/** A store, another program, and a group whose string it wrote. */
async function withString(scene: Scene, text: string, rest = LAYOUT) {
  const [stranger, store, group] = [scene.stranger(), await scene.open(rest), randomUUID()]
  await plant(stranger, { path: stringOf(group), data: Buffer.from(text, 'latin1') })
  const read = async (): Promise<string> => (await stranger.get(stringOf(group)))?.data.toString('latin1') ?? ''
  const write = async (next: string): Promise<void> => void (await stranger.set(stringOf(group), Buffer.from(next, 'latin1')))
  return { stranger, store, group, read, write }
}

describe('the strings of an old job', () => {
  it('are read, whatever their order, with the time of their last change and nothing else', async () => {
    await using scene = new Scene(server)
    const from = Date.now()
    const { stranger, store, group } = await withString(scene, '1:998,0:1200,12:0')
    await plant(stranger, { path: stringOf(group, 'payments'), data: Buffer.from('0:7') })
    const found = await store.load(group)
    assert.deepEqual(offsetsIn(found), { 'orders-1': 998, 'orders-0': 1200, 'orders-12': 0, 'payments-0': 7 })
    const { commitTime = 0, ...rest } = positionOf(await loadOne(store, group)) ?? { offset: -1 }
    assert.deepEqual(rest, { offset: 1200 })
    assert.ok(commitTime >= from - 1_000 && commitTime <= Date.now() + 1_000)
    assert.ok((await store.groups()).includes(group))
  })

  it('of the older version, the path’s own znode, are read and written, and only its topic is theirs', async () => {
    await using scene = new Scene(server)
    const [stranger, group] = [scene.stranger(), randomUUID()]
    await plant(stranger, { path: `/old/${group}/orders`, data: Buffer.from('0:5,1:6') })
    await plant(stranger, { path: `/old/${group}/payments`, data: Buffer.from('0:7') })
    const open = (topic: string) => scene.open(`?layout=per-topic&path=/old/{group}/${topic}&topic=${topic}`)
    const [orders, payments] = [await open('orders'), await open('payments')]
    await put(orders, group, { position: { ...FULL, offset: 9 }, ledger: [ledgerRow(group, 0)] })
    assert.equal((await stranger.get(`/old/${group}/orders`))?.data.toString(), '0:9,1:6')
    assert.deepEqual(offsetsIn(await orders.load(group)), { 'orders-0': 9, 'orders-1': 6 })
    assert.deepEqual(offsetsIn(await payments.load(group)), { 'payments-0': 7 }, 'what is kept beside the other topic is not lost here')
    const stray = { topic: 'refunds', partition: 0 }
    assert.deepEqual((await loadOne(orders, group, stray)).stored, { state: 'absent' })
    await assert.rejects(saveOne(orders, group, writeOf(await loadOne(orders, group, stray))), code('USAGE'))
  })

  it('are what Tidemark leaves: the old job goes on from there', async () => {
    await using scene = new Scene(server)
    const { store, group, read } = await withString(scene, '1:998,0:1200')
    await put(store, group, { position: { ...FULL, offset: 1300 } })
    await put(store, group, { position: { ...FULL, offset: 3 } }, at(7))
    assert.equal(await read(), '1:998,0:1300,7:3')
    assert.deepEqual(
      [...asTheOldJobReads(await read())],
      [
        [1, 998],
        [0, 1300],
        [7, 3],
      ],
    )
  })

  it('have nothing of ours beside them, and a new one is made with its folders', async () => {
    await using scene = new Scene(server)
    const [stranger, store, group] = [scene.stranger(), await scene.open(LAYOUT), randomUUID()]
    await put(store, group, { position: FULL, ledger: [ledgerRow(group, 0)] })
    assert.deepEqual(await tree(stranger, `/spark/${group}`), [`/spark/${group}`, `/spark/${group}/offsets`, stringOf(group)])
    assert.equal((await stranger.get(stringOf(group)))?.data.toString(), '0:1200')
  })

  it('are untouched by a take', async () => {
    await using scene = new Scene(server)
    const { stranger, store, group } = await withString(scene, '0:5,1:6')
    const before = await stranger.get(stringOf(group))
    const taken = await put(store, group, { position: undefined, ownerEpoch: 1, owner: 'w', saveId: 'take' })
    assert.deepEqual(await stranger.get(stringOf(group)), before)
    assert.deepEqual([taken.ownerEpoch, taken.owner, taken.saveId, positionOf(taken)?.offset], [1, 'w', 'take', 5])
  })
})

describe('entries that can’t be read', () => {
  const cases: [text: string, expected: Record<string, number | string>][] = [
    ['0:-1,1:6', { 'orders-0': 'corrupt -1', 'orders-1': 6, 'orders-2': 'absent' }],
    ['0:abc,1:6', { 'orders-0': 'corrupt abc', 'orders-1': 6, 'orders-2': 'absent' }],
    ['1:6,0:', { 'orders-0': 'corrupt ', 'orders-1': 6, 'orders-2': 'absent' }],
    ['0: 5,1:6\n', { 'orders-0': 'corrupt  5', 'orders-1': 'corrupt 6\\n', 'orders-2': 'absent' }],
    ['0:9223372036854775807,1:6', { 'orders-0': 'corrupt 9223372036854775807', 'orders-1': 6, 'orders-2': 'absent' }],
    ['0:5:1,1:6', { 'orders-0': 'corrupt 5:1', 'orders-1': 6, 'orders-2': 'absent' }],
    ['0:5,0:7,1:6', { 'orders-0': 'corrupt 0:5,0:7', 'orders-1': 6, 'orders-2': 'absent' }],
    ['0:\xff,1:6', { 'orders-0': 'corrupt ÿ', 'orders-1': 6, 'orders-2': 'absent' }],
    ['1200', { 'orders-0': 'corrupt 1200', 'orders-1': 'corrupt 1200', 'orders-2': 'corrupt 1200' }],
    ['1200,1:6', { 'orders-0': 'corrupt 1200', 'orders-1': 6, 'orders-2': 'corrupt 1200' }],
    [' 0:5,1:6', { 'orders-0': 'corrupt  0:5', 'orders-1': 6, 'orders-2': 'corrupt  0:5' }],
    ['orders:0:5,1:6', { 'orders-0': 'corrupt orders:0:5', 'orders-1': 6, 'orders-2': 'corrupt orders:0:5' }],
    ['0:5,1:6,', { 'orders-0': 5, 'orders-1': 6, 'orders-2': 'corrupt ' }],
    ['', { 'orders-0': 'corrupt ', 'orders-1': 'corrupt ', 'orders-2': 'corrupt ' }],
  ]
  for (const [text, expected] of cases) {
    it(`${JSON.stringify(text)}: those partitions are corrupt and not 0, and the others are not spoiled`, async () => {
      await using scene = new Scene(server)
      const { store, group } = await withString(scene, text)
      assert.deepEqual(offsetsIn(await store.load(group, [0, 1, 2].map(at))), expected)
    })
  }

  it('are listed with the group, also where no partition is named', async () => {
    await using scene = new Scene(server)
    for (const [text, expected] of [
      ['1200', { 'orders-0': 'corrupt 1200' }],
      ['0:5,1200', { 'orders-0': 5, 'orders-1': 'corrupt 1200' }],
      ['0:5,', { 'orders-0': 5 }],
      ['', {}],
    ] as const) {
      const { store, group } = await withString(scene, text)
      assert.deepEqual(offsetsIn(await store.load(group)), expected, text)
    }
  })

  it('stay byte for byte when another partition is written, and are put right by a write of their own', async () => {
    await using scene = new Scene(server)
    const { store, group, read } = await withString(scene, '0:abc,\xff\xfe, 3:1,1:6,2:7')
    await put(store, group, { position: { offset: 60 } }, at(1))
    assert.equal(await read(), '0:abc,\xff\xfe, 3:1,1:60,2:7')
    await put(store, group, { position: { offset: 1 } }, at(0))
    assert.equal(await read(), '0:1,\xff\xfe, 3:1,1:60,2:7')
  })

  it('with a comma too many leave no gap that the old job would stumble over', async () => {
    await using scene = new Scene(server)
    const { store, group, read } = await withString(scene, '0:5,')
    await put(store, group, { position: { offset: 6 } }, at(1))
    assert.equal(await read(), '0:5,1:6')
  })
})

describe('a string that another program wrote', () => {
  it('between our check and our write is changed, even where our entry is the same', async () => {
    await using scene = new Scene(server)
    for (const next of ['0:1300,1:998', '0:1200,1:999', '0:1200,1:998', '1:998']) {
      const { store, group, read, write } = await withString(scene, '0:1200,1:998')
      const seen = await store.load(group)
      await write(next)
      const results = await store.save(
        group,
        seen.map((custody) => writeOf(custody, { ledger: [ledgerRow(group, custody.partition)] })),
      )
      assert.deepEqual(
        results.map(({ status }) => status),
        ['changed', 'changed'],
        next,
      )
      assert.equal(await read(), next)
      assert.deepEqual(await store.ledger({ group }), [])
    }
  })

  it('while our write is on its way to the server is changed, and nothing of it is overwritten', async () => {
    await using scene = new Scene(server)
    await using proxy = await startProxy({ target: server.port, protocol: zooKeeperFrames })
    const { group, stranger, read, write } = await withString(scene, '0:1200,1:998')
    const store = await scene.open(LAYOUT, { at: proxy.address })
    const seen = await loadOne(store, group)
    for (const position of [{ offset: 1300 }, undefined]) {
      await write('0:1200,1:998')
      const custody = await loadOne(store, group)
      const hold = proxy.hold(kinds.multi, 'requests')
      const saving = saveOne(store, group, writeOf(custody, { position, ownerEpoch: 1, ledger: [ledgerRow(group, 0)] }))
      await hold.arrived
      await write('0:1250,1:999')
      hold.release()
      assert.equal((await saving).status, 'changed')
      assert.equal(await read(), '0:1250,1:999')
    }
    assert.equal((await saveOne(store, group, writeOf(seen))).status, 'changed')
    assert.deepEqual([await store.ledger({ group }), await stranger.exists(`/tidemark/${group}/positions/orders/0`)], [[], undefined])
  })

  it('has no identity in any partition, and keeps the owner epochs', async () => {
    await using scene = new Scene(server)
    const { store, group, write } = await withString(scene, '0:1,1:1')
    for (const partition of [0, 1]) await put(store, group, { position: FULL, ownerEpoch: 3, owner: 'w' }, at(partition))
    await write('0:1200,1:1201')
    for (const custody of await store.load(group)) {
      assert.deepEqual(Object.keys(positionOf(custody) ?? {}).toSorted(), ['commitTime', 'offset'])
      assert.deepEqual([custody.ownerEpoch, custody.owner, custody.saveId], [3, 'w', undefined])
    }
  })

  it('does not get an old identity back when Tidemark writes another partition, and keeps the time of its own', async () => {
    await using scene = new Scene(server)
    const { stranger, store, group, write } = await withString(scene, '0:1,1:1')
    await put(store, group, { position: FULL })
    await write('0:7,1:1')
    await write(`0:${FULL.offset},1:1`)
    const written = (await stranger.get(stringOf(group)))?.stat.mtime
    await put(store, group, { position: { offset: 2 } }, at(1))
    assert.deepEqual(positionOf(await loadOne(store, group)), { offset: FULL.offset, commitTime: written })
  })

  it('that was removed leaves the trace of what was lost, also after Tidemark wrote another partition anew', async () => {
    await using scene = new Scene(server)
    const { stranger, store, group } = await withString(scene, '0:1,1:1')
    await put(store, group, { position: FULL, ownerEpoch: 4 })
    const before = await loadOne(store, group)
    await stranger.remove(stringOf(group))
    await put(store, group, { position: { offset: 2 } }, at(1))
    const custody = await loadOne(store, group)
    assert.deepEqual([custody.stored.state, custody.trace, custody.ownerEpoch, custody.saveId], ['absent', 'sidecar', 4, undefined])
    assert.equal((await saveOne(store, group, writeOf(before))).status, 'changed')
  })

  it('is noticed when it was removed and made anew at the same version', async () => {
    await using scene = new Scene(server)
    const { stranger, store, group, read } = await withString(scene, '0:5')
    const seen = await loadOne(store, group)
    await stranger.remove(stringOf(group))
    await plant(stranger, { path: stringOf(group), data: Buffer.from('0:5') })
    assert.equal((await saveOne(store, group, writeOf(seen))).status, 'changed')
    assert.equal(await read(), '0:5')
  })
})

describe('partitions of one string', () => {
  it('that Tidemark writes leave the others their revision, identity and plan', async () => {
    await using scene = new Scene(server)
    const { store, group } = await withString(scene, '0:1,1:1')
    const planned = { fromOffset: FULL.offset, untilOffset: FULL.offset + 10 }
    const first = await put(store, group, { position: FULL, planned, saveId: 'first' })
    const taken = await put(store, group, { position: undefined, ownerEpoch: 1, saveId: 'take' }, at(1))
    const other = await loadOne(store, group, at(2))
    for (const offset of [2, 3]) await put(store, group, { position: { offset } }, at(3))
    for (const custody of [first, taken, other]) assert.deepEqual(await loadOne(store, group, custody), custody)
    assert.equal((await saveOne(store, group, writeOf(first, { position: { offset: 1210 } }))).status, 'saved')
  })

  it('are saved by workers of their own at once: none is refused, and no update is lost', async () => {
    await using scene = new Scene(server)
    const stores = await Promise.all([0, 1, 2].map(() => scene.open(LAYOUT)))
    const { group, read } = await withString(scene, '0:0,1:0,2:0')
    await Promise.all(stores.map((store, partition) => work(store, group, partition, 40)))
    assert.equal(await read(), '0:40,1:40,2:40')
  })

  it('never look moved to a reader beside a busy worker of another partition', async () => {
    await using scene = new Scene(server)
    const [store, reader, group] = [await scene.open(LAYOUT), await scene.open(LAYOUT), randomUUID()]
    const still = await put(store, group, { position: FULL })
    const done = new AbortController()
    const busy = work(store, group, 1, 200).then(() => done.abort())
    while (!done.signal.aborted) assert.deepEqual(await loadOne(reader, group), still)
    await busy
  })
})

/** Saves a partition again and again on the revision of the last save alone. */
async function work(store: StoreDriver, group: string, partition: number, times: number): Promise<void> {
  const custody = await loadOne(store, group, at(partition))
  let expected = custody.revision
  for (let offset = 1; offset <= times; offset++) {
    const result = await saveOne(store, group, writeOf(custody, { expected, position: { ...FULL, offset } }))
    assert.ok(result.status === 'saved', `partition ${partition} at ${offset}: ${result.status}`)
    expected = result.revision
  }
}

describe('the per-topic layout', () => {
  it('lists groups by their place in the path, also where that is the root, and no other folder for one', async () => {
    await using scene = new Scene(server)
    const stranger = scene.stranger()
    await plant(stranger, { path: '/all' })
    await plant(stranger, { path: '/all/job-1/orders', data: Buffer.from('0:5') })
    await plant(stranger, { path: '/all/empty/orders' })
    await plant(stranger, { path: '/all/consumers/job-2/offsets/orders/0', data: Buffer.from('5') })
    const store = await scene.open('/all?layout=per-topic&path=/{group}')
    assert.deepEqual(await store.groups(), ['job-1'])
    await put(store, 'job-3', { position: { offset: 1 } })
    assert.deepEqual((await store.groups()).toSorted(), ['job-1', 'job-3'])
    await removeAll(stranger, '/all/job-3')
    assert.ok((await store.groups()).includes('job-3'), 'what Tidemark knows of it is there')
  })

  it('makes folders that others may have groups in', async () => {
    await using scene = new Scene(server)
    const group = randomUUID()
    const rest = '?layout=per-topic&path=/mine/of/{group}'
    const anna = await scene.open(rest, { at: `anna:secret@${server.connectString}` })
    await put(anna, group)
    await put(await scene.open(rest), `${group}-2`)
    await assert.rejects(put(await scene.open(rest), group), code('STORE_DENIED'))
  })
})
