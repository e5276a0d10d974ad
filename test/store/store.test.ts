import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { positionOf, type Custody } from '../../src/core/custody.ts'
import type { LedgerRow } from '../../src/core/ledger.ts'
import { keyOf } from '../../src/core/position.ts'
import type { GroupListing, Write } from '../../src/store/driver.ts'
import { openMemory, type MemoryStore } from '../../src/store/memory.ts'
import { openStore, type OpenStoreOptions, type Store } from '../../src/store/store.ts'
import { withoutPassword } from '../../src/store/url.ts'
import { FaultyStore, ManualClock } from '../../src/testing/index.ts'

const orders = (partition: number) => ({ topic: 'orders', partition })
let saves = 0

function writeOf({ topic, partition, revision, ownerEpoch }: Custody, changes: Partial<Write> = {}): Write {
  saves += 1
  return { topic, partition, expected: revision, position: { offset: 100 }, ownerEpoch, saveId: `save-${saves}`, ledger: [], ...changes }
}

function row(partition: number, changes: Partial<LedgerRow> = {}): LedgerRow {
  const counts = { from: 1, to: 2, skipped: 1, reread: 0 }
  return {
    at: 1,
    group: 'billing',
    ...orders(partition),
    verdict: 'expired',
    action: 'earliest',
    ...counts,
    actor: 'me',
    evidence: [],
    ...changes,
  }
}

interface Scene {
  readonly store: Store
  readonly faulty: FaultyStore
  readonly memory: MemoryStore
  readonly clock: ManualClock
  readonly load: (partition?: number) => Promise<Custody>
}

/** A wrapped store that fails when told to, on a clock that is moved by hand. */
async function scene(options: OpenStoreOptions = {}): Promise<Scene> {
  const clock = new ManualClock()
  const memory = await openMemory('memory:')
  const faulty = new FaultyStore(memory)
  const store = await openStore(faulty, { clock, timeoutMs: 10_000, ...options })
  const load = async (partition = 0): Promise<Custody> => {
    const [custody] = await memory.load('billing', [orders(partition)])
    assert.ok(custody)
    return custody
  }
  return { store, faulty, memory, clock, load }
}

/** What a promise came to, while the time goes on by `ms`. */
async function during<T>(clock: ManualClock, ms: number, promise: Promise<T>): Promise<T> {
  const settled = promise.then(
    (value) => () => value,
    (error: unknown) => () => {
      throw error
    },
  )
  await clock.advance(ms)
  return (await Promise.race([settled, Promise.resolve(() => assert.fail(`still waiting after ${ms} ms`))]))()
}

function hasCode(code: string, text = /./): (error: unknown) => boolean {
  return (error) => {
    assert.equal((error as { code?: string }).code, code, String(error))
    assert.match((error as Error).message, text)
    return true
  }
}

test('a save that was done and whose answer was lost is found done, and not sent again', async () => {
  const { store, faulty, load } = await scene()
  const write = writeOf(await load(), { ledger: [row(0)] })
  faulty.fail('save', 'after')
  const [result] = await store.save('billing', [write])
  assert.deepEqual(result, { status: 'saved', revision: (await load()).revision })
  assert.deepEqual([faulty.calls.save, (await store.ledger({})).length], [1, 1])
})

test('a save that was lost before it was done is read back, and only then sent again, with the same save ID', async () => {
  const { store, faulty, clock, load } = await scene()
  const write = writeOf(await load())
  faulty.fail('save', 'lost')
  const [result] = await during(clock, 1_000, store.save('billing', [write]))
  assert.equal(result?.status, 'saved')
  assert.deepEqual([faulty.calls.save, faulty.calls.load, (await load()).saveId], [2, 1, write.saveId])
})

test('a lost save that is still on its way when it is sent again counts once', async () => {
  const { store, faulty, clock, memory, load } = await scene()
  const write = writeOf(await load(), { ledger: [row(0)] })
  faulty.fail('save', 'late')
  await during(clock, 1_000, store.save('billing', [write]))
  await faulty.deliver()
  assert.deepEqual([(await load()).saveId, (await memory.ledger({})).length], [write.saveId, 1])
})

test('a lost save that arrives before it is sent again is found done', async () => {
  const { store, faulty, clock, memory, load } = await scene()
  const write = writeOf(await load(), { ledger: [row(0)] })
  faulty.fail('save', 'late')
  const saving = store.save('billing', [write])
  await clock.advance(0)
  await faulty.deliver()
  assert.equal((await during(clock, 1_000, saving))[0]?.status, 'saved')
  assert.equal((await memory.ledger({})).length, 1)
})

test('of a lost save each partition is judged by itself: done, not done, moved by another, taken by another', async () => {
  const { store, faulty, clock, memory, load } = await scene()
  const writes = await Promise.all([0, 1, 2, 3].map(async (partition) => writeOf(await load(partition), { ownerEpoch: 1 })))
  const [done, , moved, taken] = writes as [Write, Write, Write, Write]
  await memory.save('billing', [done, { ...moved, saveId: 'theirs' }, { ...taken, ownerEpoch: 2, owner: 'new', saveId: 'theirs' }])
  faulty.fail('save', 'lost')
  const results = await during(clock, 1_000, store.save('billing', writes))
  assert.deepEqual(
    results.map(({ status }) => status),
    ['saved', 'saved', 'changed', 'fenced'],
  )
  assert.deepEqual([faulty.calls.save, (await load(1)).saveId], [2, writes[1]?.saveId])
})

test('a save that hangs is read back after half of the time-out', async () => {
  for (const fault of ['hang', 'hang-after'] as const) {
    const { store, faulty, clock, load } = await scene()
    const write = writeOf(await load())
    faulty.fail('save', fault)
    const [result] = await during(clock, 6_000, store.save('billing', [write]))
    assert.deepEqual([result?.status, faulty.calls.save], ['saved', fault === 'hang' ? 2 : 1])
  }
})

test('an outcome that can’t be read back in time is an error that names group and partitions', async () => {
  const { store, faulty, clock, load } = await scene()
  const writes = [writeOf(await load(0)), writeOf(await load(1))]
  faulty.fail('save', 'after')
  faulty.fail('load', ...Array.from({ length: 50 }, () => 'before' as const))
  await assert.rejects(
    during(clock, 10_000, store.save('billing', writes)),
    hasCode('STORE_OUTCOME_UNKNOWN', /orders-0, orders-1.*group billing/),
  )
  const one = writeOf(await load(2))
  faulty.fail('save', 'lost')
  faulty.fail('load', 'hang')
  const failing = during(clock, 10_000, store.save('billing', [one]))
  await assert.rejects(failing, hasCode('STORE_OUTCOME_UNKNOWN', /group billing, topic orders, partition 2/))
})

test('a save that is lost again and again ends with the time-out, not before every loss was looked into', async () => {
  const { store, faulty, clock, load } = await scene()
  faulty.fail('save', ...Array.from({ length: 50 }, () => 'lost' as const))
  await assert.rejects(during(clock, 10_000, store.save('billing', [writeOf(await load())])), hasCode('STORE_OUTCOME_UNKNOWN'))
  assert.ok(faulty.calls.save > 3 && faulty.calls.load === faulty.calls.save, `${faulty.calls.save} saves, ${faulty.calls.load} loads`)
})

test('a save that was not sent is said so at once: the caller decides when to try again', async () => {
  const { store, faulty, load } = await scene()
  const write = writeOf(await load())
  faulty.fail('save', 'before')
  await assert.rejects(store.save('billing', [write]), hasCode('STORE_UNREACHABLE', /group billing/))
  assert.deepEqual([faulty.calls.save, faulty.calls.load], [1, 0])
  assert.equal((await store.save('billing', [write]))[0]?.status, 'saved')
})

test('the same save applied twice is saved twice, and done once', async () => {
  const { store, memory, load } = await scene()
  const write = writeOf(await load(), { ledger: [row(0)] })
  const first = await store.save('billing', [write])
  assert.deepEqual(await store.save('billing', [write]), first)
  assert.equal((await memory.ledger({})).length, 1)
  const [other] = await store.save('billing', [{ ...write, saveId: 'another' }])
  assert.equal(other?.status, 'changed')
})

test('a read is tried again, with growing pauses, until the store is back', async () => {
  const { store, faulty, clock } = await scene()
  faulty.fail('load', 'before', 'before', 'before')
  assert.deepEqual(await during(clock, 1_000, store.load('billing')), [])
  assert.equal(faulty.calls.load, 4)
  faulty.fail('ledger', 'before')
  assert.deepEqual(await during(clock, 1_000, store.ledger({})), [])
})

test('a store that stays away, or never answers, is unreachable when the time is over', async () => {
  const { store, faulty, clock } = await scene()
  faulty.fail('groups', ...Array.from({ length: 50 }, () => 'before' as const))
  await assert.rejects(during(clock, 10_000, store.groups()), hasCode('STORE_UNREACHABLE'))
  faulty.fail('load', 'hang')
  await assert.rejects(
    during(clock, 10_000, store.load('billing')),
    hasCode('STORE_UNREACHABLE', /did not answer within 10 s.*group billing.*Check that it is up/),
  )
  assert.equal(clock.sleeping, 0)
})

test('partitions come in the order asked for, and sorted when all are asked for', async () => {
  const { store, memory } = await scene()
  for (const partition of [10, 2, 0]) memory.tamper('billing', orders(partition), '1')
  memory.tamper('billing', { topic: 'invoices', partition: 5 }, '1')
  assert.deepEqual((await store.load('billing')).map(keyOf), ['invoices-5', 'orders-0', 'orders-2', 'orders-10'])
  assert.deepEqual((await store.load('billing', [orders(2), orders(0)])).map(keyOf), ['orders-2', 'orders-0'])
})

test('groups of a store that knows no kinds of them are described by their names, sorted', async () => {
  const { store, memory } = await scene()
  for (const group of ['invoices', 'billing']) memory.tamper(group, orders(0), '1')
  assert.deepEqual(await store.describeGroups(), [{ group: 'billing' }, { group: 'invoices' }])
  assert.deepEqual(await store.describeGroups(['nobody']), [{ group: 'nobody' }])
  const describeGroups = async (): Promise<GroupListing[]> => [
    { group: 'shares', type: 'share', withoutOffsets: ['none'] },
    { group: 'billing', type: 'classic' },
  ]
  await using kinds = await openStore(Object.assign(memory, { describeGroups }))
  assert.deepEqual(
    (await kinds.describeGroups()).map(({ type }) => type),
    ['classic', 'share'],
  )
  await assert.rejects(store.describeGroups(['']), hasCode('USAGE'))
})

test('what a driver throws is passed on with its code and the group', async () => {
  const { store, memory } = await scene()
  memory.load = () => Promise.reject(new TypeError('a bug'))
  await assert.rejects(store.load('billing'), hasCode('INTERNAL', /a bug \(group billing\)/))
})

test('after close every call fails with STORE_CLOSED, and a second close does nothing', async () => {
  const { store, faulty } = await scene()
  await store.close()
  await store.close()
  assert.ok(faulty.closed)
  const calls = [
    () => store.load('billing'),
    () => store.save('billing', []),
    () => store.groups(),
    () => store.describeGroups(),
    () => store.ledger({}),
    () => store.members('billing'),
    () => store.join('billing', { id: 'me', host: 'here' }),
  ]
  for (const call of calls) await assert.rejects(call(), hasCode('STORE_CLOSED'))
})

test('a close ends the pause before another try', async () => {
  const { store, faulty, clock } = await scene()
  faulty.fail('load', 'before', 'before')
  const loading = store.load('billing')
  await clock.advance(10)
  await store.close()
  await assert.rejects(loading, hasCode('STORE_CLOSED'))
})

test('arguments that make no sense are refused before the driver sees them, naming the place', async () => {
  const { store, faulty, load } = await scene()
  const write = writeOf(await load())
  const bad: [string, () => Promise<unknown>, RegExp][] = [
    ['group', () => store.load(''), /group name can't be empty/],
    ['half a character', () => store.load('\ud800'), /no character/],
    ['topic', () => store.load('billing', [{ topic: 'no/topic', partition: 0 }]), /no\/topic.*is no topic name/],
    ['topic ..', () => store.load('billing', [{ topic: '..', partition: 0 }]), /is no topic name/],
    ['partition', () => store.load('billing', [orders(-1)]), /-1 is no partition number/],
    ['twice', () => store.save('billing', [write, { ...write, saveId: 'x' }]), /two writes.*partition 0/],
    [
      'offset',
      () => store.save('billing', [{ ...write, position: { offset: -1 } }]),
      /-1 is no offset.*group billing, topic orders, partition 0/,
    ],
    ['offset 2^53', () => store.save('billing', [{ ...write, position: { offset: 2 ** 53 } }]), /is no offset/],
    ['epoch', () => store.save('billing', [{ ...write, position: { offset: 1, leaderEpoch: -1 } }]), /-1 is no leader epoch/],
    [
      'epochs',
      () =>
        store.save('billing', [
          { ...write, position: { offset: 1, epochs: Array.from({ length: 9 }, () => ({ epoch: 1, startOffset: 1 })) } },
        ]),
      /at most 8/,
    ],
    ['time', () => store.save('billing', [{ ...write, position: { offset: 1, commitTime: Number.NaN } }]), /NaN is no time/],
    ['topic ID', () => store.save('billing', [{ ...write, position: { offset: 1, topicId: '' } }]), /can't be empty/],
    ['planned', () => store.save('billing', [{ ...write, planned: { fromOffset: 5, untilOffset: 4 } }]), /from 5 to 4/],
    ['owner epoch', () => store.save('billing', [{ ...write, ownerEpoch: 1.5 }]), /1.5 is no owner epoch/],
    ['save ID', () => store.save('billing', [{ ...write, saveId: '' }]), /save ID can't be empty/],
    ['revision', () => store.save('billing', [{ ...write, expected: '' }]), /revision can't be empty/],
    ['ledger group', () => store.save('billing', [{ ...write, ledger: [row(0, { group: 'other' })] }]), /does not belong/],
    ['ledger partition', () => store.save('billing', [{ ...write, ledger: [row(1)] }]), /does not belong/],
    ['ledger count', () => store.save('billing', [{ ...write, ledger: [row(0, { reread: -1 })] }]), /-1 is no offset/],
    ['member', () => store.join('billing', { id: '', host: 'here' }), /member ID can't be empty/],
  ]
  for (const [name, call, text] of bad) await assert.rejects(call(), hasCode('USAGE', text), name)
  assert.deepEqual(faulty.calls, { load: 0, save: 0, groups: 0, ledger: 0, heartbeat: 0, leave: 0, members: 0 })
})

test('a store opened for reading refuses to save and to join', async () => {
  const { store, load } = await scene({ mode: 'read' })
  await assert.rejects(store.save('billing', [writeOf(await load())]), hasCode('STORE_UNSUPPORTED', /for reading only/))
  await assert.rejects(store.join('billing', { id: 'me', host: 'here' }), hasCode('STORE_UNSUPPORTED'))
  assert.deepEqual(await store.load('billing'), [])
})

test('a member is live while its heartbeats come, which survive failures, and gone 10 seconds after the last', async (context: TestContext) => {
  context.mock.timers.enable({ apis: ['setInterval'] })
  const { store, faulty, clock } = await scene()
  const beat = async (): Promise<void> => {
    await clock.advance(3_000)
    context.mock.timers.tick(3_000)
    await clock.advance(0)
  }
  const membership = await store.join('billing', { id: 'worker', host: 'here' })
  assert.deepEqual(await store.members('billing'), [{ id: 'worker', host: 'here', program: 'tidemark', seenAt: clock.now() }])
  faulty.fail('heartbeat', 'before', 'before')
  for (let count = 0; count < 8; count += 1) await beat()
  assert.equal(faulty.calls.heartbeat, 9)
  assert.equal((await store.members('billing'))[0]?.seenAt, clock.now())
  faulty.fail('leave', 'before')
  await membership.leave()
  await clock.advance(10_000)
  assert.equal((await store.members('billing')).length, 1)
  await clock.advance(1)
  assert.deepEqual(await store.members('billing'), [])
})

test('closing the store leaves its groups, and does not wait long for a store that is away', async () => {
  const { store, faulty, memory, clock } = await scene()
  await store.join('billing', { id: 'one', host: 'here' })
  await store.join('shipping', { id: 'two', host: 'here' })
  faulty.fail('leave', 'hang')
  await during(clock, 2_000, store.close())
  assert.deepEqual([(await memory.members('billing')).length, (await memory.members('shipping')).length], [1, 0])
})

test('an unknown scheme is refused with a list of those there are', async () => {
  await assert.rejects(openStore('floppy:./a'), hasCode('USAGE', /no store floppy:.*sqlite:, zookeeper:, .*kafka:, memory:/))
  await assert.rejects(openStore('constructor:x'), hasCode('USAGE', /no store constructor:/))
  await assert.rejects(openStore('tidemark.db'), hasCode('USAGE', /is no store's URL.*sqlite:\.\/tidemark\.db/))
})

test('memory: stores of one name are one, those without a name each their own', async () => {
  const name = `memory:${import.meta.filename}`
  const [one, same, other] = await Promise.all([name, name, 'memory:'].map((url) => openStore(url)))
  assert.ok(one && same && other)
  const [custody] = await one.load('billing', [orders(0)])
  assert.ok(custody)
  await one.save('billing', [writeOf(custody)])
  assert.deepEqual(
    (await same.load('billing')).map((found) => positionOf(found)?.offset),
    [100],
  )
  assert.deepEqual(await other.load('billing'), [])
})

test('a password is never shown: not in the URL, not in errors', async () => {
  const shown: [url: string, as: string | undefined][] = [
    ['zookeeper://me:secret@h1:2181,h2:2181/kafka?layout=classic', 'zookeeper://me@h1:2181,h2:2181/kafka?layout=classic'],
    ['zookeeper://me:se:c@r/et@h1:2181/kafka', 'zookeeper://me@h1:2181/kafka'],
    ['redis://:secret@h1/0', 'redis://@h1/0'],
    ['postgres://h1/db?user=me&password=secret&x=1', 'postgres://h1/db?user=…&password=…&x=…'],
    ['zookeeper://h1:2181,[::1]:2182,h3/a:b?layout=per-topic&path=/x:y/{group}', undefined],
    ['zookeeper://me:secret', 'zookeeper://me:…'],
    ['zookeeper://h1:2181,me:sec,r:et/x?y=z', 'zookeeper://h1:2181,me:…'],
    ['spark-checkpoint:s3://key:secret/x', 'spark-checkpoint:s3://key:…'],
    ['spark-checkpoint:s3://key:secret@bucket/x', 'spark-checkpoint:s3://key@bucket/x'],
    ['spark-checkpoint:hdfs://me@h:9870/12:00', undefined],
    ['kafka://h1:9092,h2:9092?command-config=client.properties', undefined],
    ['sqlite:me:secret@h', 'sqlite:me@h'],
    ['sqlite:///data/a:b@c.db', undefined],
    ['sqlite:///12:00.db', undefined],
    ['sqlite:12:00.db', undefined],
  ]
  for (const [url, as = url] of shown) assert.equal(withoutPassword(url), as)
  for (const url of ['floppy://me:s3cret@h1/x', 'zookeeper://me:s3cret@/', 'zookeeper://me:s3cret@127.0.0.1:1/?layout=nonsense']) {
    await assert.rejects(
      openStore(url, { timeoutMs: 500 }),
      (error: Error) => !`${error.message} ${error.stack} ${JSON.stringify(error)}`.includes('s3cret'),
    )
  }
})
