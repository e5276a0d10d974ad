import assert from 'node:assert/strict'
import { positionOf } from '../../core/custody.ts'
import { assertSaved, at, code, FULL, ledgerRow, loadOne, put, saveOne, writeOf, type Harness } from './harness.ts'

/** A worker that lost its partition can't move that partition's offset. */
export function fenceTests(tests: Harness): void {
  for (const part of tests.options.capabilities.progress ? [ownerTests, raceTests] : [refusalTests]) part(tests)
}

function refusalTests({ test }: Harness): void {
  test('what only a job’s progress puts is refused, and changes nothing: an owner, an owner epoch, a plan, a position that stays', async ({
    store,
    group,
  }) => {
    const before = await put(store, group, { position: FULL })
    const refused = [{ owner: 'worker' }, { ownerEpoch: 1 }, { planned: { fromOffset: 1, untilOffset: 2 } }, { position: undefined }]
    for (const changes of refused) await assert.rejects(saveOne(store, group, writeOf(before, changes)), code('STORE_UNSUPPORTED'))
    assert.deepEqual(await loadOne(store, group), before)
  })
}

function ownerTests({ test }: Harness): void {
  test('a partition is taken by an owner epoch one higher than the one found', async ({ store, group }) => {
    const taken = await put(store, group, { position: undefined, ownerEpoch: 1, owner: 'first' })
    assert.deepEqual([taken.ownerEpoch, taken.owner, taken.stored.state], [1, 'first', 'absent'])
    const again = await put(store, group, { position: undefined, ownerEpoch: taken.ownerEpoch + 1, owner: 'second' })
    assert.deepEqual([again.ownerEpoch, again.owner], [2, 'second'])
  })

  test('an old writer, held between its read and its write while a new one takes over, is fenced and writes nothing', async ({
    store,
    group,
    another,
  }) => {
    const old = await put(store, group, { position: FULL, ownerEpoch: 1, owner: 'old' })
    const taken = await put(await another(), group, { position: undefined, ownerEpoch: 2, owner: 'new' })
    const late = writeOf(old, { position: { offset: 9_999 }, owner: 'old', ledger: [ledgerRow(group, 0)] })
    assert.deepEqual(await saveOne(store, group, late), { status: 'fenced', ownerEpoch: 2, owner: 'new' })
    assert.deepEqual(await loadOne(store, group), taken)
    assert.deepEqual(await store.ledger({ group }), [])
  })

  test('an old writer is fenced even by the current revision: the fence is its own check', async ({ store, group }) => {
    const current = await put(store, group, { position: FULL, ownerEpoch: 5, owner: 'new' })
    for (const position of [{ offset: 1 }, undefined]) {
      const { status } = await saveOne(store, group, writeOf(current, { position, ownerEpoch: 4, owner: 'old' }))
      assert.equal(status, 'fenced')
    }
    assert.deepEqual(await loadOne(store, group), current)
  })

  test('an owner’s name comes back as it was put, and a write without one clears it', async ({ store, group }) => {
    assert.equal((await put(store, group, { owner: 'worker-ö' })).owner, 'worker-ö')
    assert.equal((await put(store, group)).owner, undefined)
  })

  test('the owner itself is not fenced, and its epoch stays', async ({ store, group }) => {
    await put(store, group, { ownerEpoch: 3, owner: 'worker' })
    const next = await put(store, group, { position: { offset: 2 }, owner: 'worker' })
    assert.deepEqual([next.ownerEpoch, next.owner, positionOf(next)?.offset], [3, 'worker', 2])
  })
}

function raceTests({ test }: Harness): void {
  test('of workers that take a partition at once exactly one gets it', async ({ store, group, another }) => {
    const handles = [store, await another()]
    const before = await put(store, group, { position: FULL })
    const takes = ['a', 'b', 'c', 'd'].map((owner, index) =>
      saveOne(handles[index % 2] ?? store, group, writeOf(before, { position: undefined, ownerEpoch: before.ownerEpoch + 1, owner })),
    )
    const results = await Promise.all(takes)
    assert.equal(results.filter(({ status }) => status === 'saved').length, 1)
    assert.equal((await loadOne(store, group)).ownerEpoch, before.ownerEpoch + 1)
  })

  test('while the owner saves and others take over, no save of a lower epoch comes after one of a higher', async ({
    store,
    group,
    another,
  }) => {
    const other = await another()
    let held = await put(store, group, { position: { offset: 0 }, ownerEpoch: 1, owner: 'worker-1' })
    for (let epoch = 2; epoch < 12; epoch += 1) {
      const seen = await loadOne(other, group)
      const [old, taken] = await Promise.all([
        saveOne(store, group, writeOf(held, { position: { offset: epoch }, ownerEpoch: epoch - 1 })),
        saveOne(other, group, writeOf(seen, { position: undefined, ownerEpoch: epoch, owner: `worker-${epoch}` })),
      ])
      const now = await loadOne(store, group)
      const offset = old.status === 'saved' ? epoch : positionOf(held)?.offset
      assert.equal(positionOf(now)?.offset, offset)
      assert.equal(now.ownerEpoch, taken.status === 'saved' ? epoch : epoch - 1)
      held = taken.status === 'saved' ? now : await put(other, group, { position: undefined, ownerEpoch: epoch })
    }
  })

  test('one fenced write of several does not stop the others', async ({ store, group }) => {
    await put(store, group, { ownerEpoch: 9 }, at(1))
    const found = await store.load(group, [at(0), at(1), at(2)])
    const results = await store.save(
      group,
      found.map((custody) => writeOf(custody, { position: { offset: 50 }, ownerEpoch: 8 })),
    )
    assert.equal(results[1]?.status, 'fenced')
    for (const result of [results[0], results[2]]) assertSaved(result)
  })
}
