import assert from 'node:assert/strict'
import { positionOf } from '../../core/custody.ts'
import { assertSaved, at, FULL, ifProgress, ledgerRow, loadOne, put, saveOne, writeOf, type Harness } from './harness.ts'

/** What is stored comes back as it was put, and what is not stored is never made up. */
export function positionTests(tests: Harness): void {
  for (const part of [roundTripTests, unreadableTests, strangerTests, listTests]) part(tests)
  if (tests.options.capabilities.progress) planTests(tests)
}

function roundTripTests({ test }: Harness): void {
  test('every field of a position comes back as it was put', async ({ store, group }) => {
    const custody = await put(store, group, { position: FULL, saveId: 'save-1' })
    assert.deepEqual(custody.stored, { state: 'position', position: FULL })
    assert.deepEqual([custody.topic, custody.partition, custody.saveId], ['orders', 0, 'save-1'])
  })

  test('a field that was not put stays absent, and takes nothing over from the position before', async ({ store, group }) => {
    await put(store, group, { position: FULL })
    const custody = await put(store, group, { position: { offset: 5, leaderEpoch: undefined, topicId: 'id' } })
    assert.deepEqual(custody.stored, { state: 'position', position: { offset: 5, topicId: 'id' } })
  })

  test('the least and the greatest offset come back exactly', async ({ store, group }) => {
    for (const offset of [0, 2 ** 31, Number.MAX_SAFE_INTEGER]) {
      assert.equal(positionOf(await put(store, group, { position: { offset } }))?.offset, offset)
    }
  })

  test('a partition of which nothing is stored is absent: no offset 0, no owner, no trace', async ({ store, group }) => {
    await put(store, group, {}, at(1))
    const custody = await loadOne(store, group)
    assert.deepEqual(custody.stored, { state: 'absent' })
    assert.deepEqual([custody.trace, custody.planned, custody.ownerEpoch, custody.saveId], [undefined, undefined, 0, undefined])
  })
}

function unreadableTests({ test, options }: Harness): void {
  const texts = options.unreadable ?? ['abc', '-1', '9223372036854775807', '12.5', '']
  for (const text of texts) {
    test(`${JSON.stringify(text)} where the offset should be is corrupt and shown, neither an error nor 0`, async ({ store, group }) => {
      const before = await put(store, group, { position: FULL })
      await put(store, group, { position: { offset: 8 } }, at(1))
      await options.plant(group, at(0), text)
      const [garbage, other] = await store.load(group, [at(0), at(1)])
      assert.ok(garbage?.stored.state === 'corrupt', `got ${JSON.stringify(garbage?.stored)}`)
      assert.equal(garbage.stored.raw, text)
      assert.notEqual(garbage.stored.reason, '')
      assert.equal(other && positionOf(other)?.offset, 8, 'what is stored of another partition is not spoiled')
      assert.equal((await saveOne(store, group, writeOf(before))).status, 'changed')
    })
  }

  test('a corrupt value can be put right by a write that expects it, and stays while a write leaves the position', async ({
    store,
    group,
  }) => {
    await put(store, group)
    await options.plant(group, at(0), texts[0] as string)
    if (options.capabilities.progress) {
      const taken = await put(store, group, { position: undefined, ownerEpoch: 1 })
      assert.equal(taken.stored.state, 'corrupt')
      assert.equal(taken.ownerEpoch, 1)
    }
    const repaired = await put(store, group, { position: { offset: 40 } })
    assert.deepEqual(repaired.stored, { state: 'position', position: { offset: 40 } })
  })

  if (options.unreadable !== undefined) return
  test('a long unreadable value is shown in at most 100 characters', async ({ store, group }) => {
    await put(store, group)
    await options.plant(group, at(0), 'x'.repeat(5_000))
    const { stored } = await loadOne(store, group)
    assert.ok(stored.state === 'corrupt' && stored.raw.length <= 100)
  })
}

function strangerTests({ test, options }: Harness): void {
  test('a number that another program put has no identity and no plan of ours, and a save that did not see it is refused', async ({
    store,
    group,
  }) => {
    const ours = ifProgress(options, { planned: { fromOffset: 1_200, untilOffset: 1_300 }, ownerEpoch: 3 })
    const before = await put(store, group, { position: FULL, saveId: 'ours', ...ours })
    await options.plant(group, at(0), '77')
    const custody = await loadOne(store, group)
    assert.equal(positionOf(custody)?.offset, 77)
    for (const field of ['leaderEpoch', 'epochs', 'topicId', 'clusterId', 'committedBy'] as const) {
      assert.equal(positionOf(custody)?.[field], undefined, field)
    }
    assert.deepEqual([custody.saveId, custody.planned, custody.ownerEpoch], [undefined, undefined, before.ownerEpoch])
    assert.equal((await saveOne(store, group, writeOf(before))).status, 'changed')
    assert.equal(positionOf(await loadOne(store, group))?.offset, 77)
  })

  test('an offset that was removed, but that the ledger names, is absent with a trace, also when the whole group is listed', async ({
    store,
    group,
  }) => {
    await put(store, group, { position: FULL, ledger: [ledgerRow(group, 0)] })
    await options.erase(group, at(0))
    for (const custody of [await loadOne(store, group), ...(await store.load(group))]) {
      assert.deepEqual([custody.partition, custody.stored.state], [0, 'absent'])
      assert.ok(custody.trace !== undefined, 'what was lost must not look like a new partition')
    }
    const again = await put(store, group, { position: { offset: 3 } })
    assert.deepEqual([positionOf(again)?.offset, again.trace], [3, undefined])
  })
}

function planTests({ test }: Harness): void {
  test('a planned range of a partition without an offset is a trace', async ({ store, group }) => {
    const custody = await put(store, group, { position: undefined, planned: { fromOffset: 0, untilOffset: 10 } })
    assert.deepEqual([custody.stored.state, custody.trace, custody.planned], ['absent', 'planned', { fromOffset: 0, untilOffset: 10 }])
  })

  test('a write that leaves the position keeps number and identity', async ({ store, group }) => {
    await put(store, group, { position: FULL })
    const custody = await put(store, group, { position: undefined, ownerEpoch: 1, owner: 'next', saveId: 'take' })
    assert.deepEqual(custody.stored, { state: 'position', position: FULL })
    assert.deepEqual([custody.ownerEpoch, custody.owner, custody.saveId], [1, 'next', 'take'])
  })

  test('a planned range comes back, and a write without one clears it', async ({ store, group }) => {
    const planned = await put(store, group, { position: FULL, planned: { fromOffset: 1_200, untilOffset: 1_300 } })
    assert.deepEqual(planned.planned, { fromOffset: 1_200, untilOffset: 1_300 })
    assert.equal((await put(store, group, { position: { offset: 1_300 } })).planned, undefined)
  })
}

function listTests({ test, options }: Harness): void {
  test('a thousand partitions go in one save, and come back in the order asked for', async ({ store, group }) => {
    const partitions = Array.from({ length: 1_000 }, (_, index) => at((index * 7) % 1_000))
    const found = await store.load(group, partitions)
    const results = await store.save(
      group,
      found.map((custody) => writeOf(custody, { position: { ...FULL, offset: custody.partition } })),
    )
    for (const result of results) assertSaved(result)
    const loaded = await store.load(group, partitions)
    assert.deepEqual(
      loaded.map(({ partition }) => partition),
      partitions.map(({ partition }) => partition),
    )
    for (const custody of loaded) assert.equal(positionOf(custody)?.offset, custody.partition)
    assert.deepEqual(
      loaded.map(({ revision }) => revision),
      results.map((result) => assertSaved(result).revision),
    )
  })

  test('a group is listed with all its topics and partitions, and with none of another group', async ({ store, group }) => {
    if (options.capabilities.groups) await put(store, `${group}-other`, {}, at(9))
    for (const partition of [at(10), at(2), { topic: 'orders-2', partition: 0 }]) await put(store, group, {}, partition)
    const listed = (await store.load(group)).map(({ topic, partition }) => `${topic}-${partition}`)
    assert.deepEqual(listed.toSorted(), ['orders-10', 'orders-2', 'orders-2-0'])
    if (options.capabilities.groups) assert.deepEqual(await store.load(`${group}-unheard-of`), [])
  })
}
