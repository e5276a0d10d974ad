import assert from 'node:assert/strict'
import { positionOf } from '../../core/custody.ts'
import type { StoreDriver, Write } from '../../store/driver.ts'
import { assertChanged, assertSaved, at, FULL, ifProgress, ledgerRow, loadOne, put, saveOne, writeOf, type Harness } from './harness.ts'

/** No write overwrites what it has not seen. */
export function compareAndSetTests(tests: Harness): void {
  const races = tests.options.capabilities.compareAndSet ? raceTests : noticeTests
  for (const part of [staleTests, revisionTests, races, partTests]) part(tests)
}

function staleTests({ test, options }: Harness): void {
  test('a stale write is refused with what is there now, and changes nothing', async ({ store, group }) => {
    const stale = await put(store, group, { position: FULL })
    const current = await put(store, group, { position: { offset: 1_300 }, saveId: 'theirs' })
    const late = ifProgress(options, { planned: { fromOffset: 1, untilOffset: 2 }, owner: 'late' })
    const write = writeOf(stale, { position: { offset: 1 }, ledger: [ledgerRow(group, 0)], ...late })
    const { found } = assertChanged(await saveOne(store, group, write))
    assert.deepEqual(found, current)
    assert.deepEqual(await loadOne(store, group), current)
    assert.deepEqual(await store.ledger({ group }), [])
  })

  test('a second first write is refused: two that saw nothing can’t both begin', async ({ store, group }) => {
    const nothing = await loadOne(store, group)
    assertSaved(await saveOne(store, group, writeOf(nothing, { position: { offset: 10 } })))
    const { found } = assertChanged(await saveOne(store, group, writeOf(nothing, { position: { offset: 20 } })))
    assert.equal(positionOf(found)?.offset, 10)
  })

  test('the revision of the very first write is good once (a version 0 must not mean "any")', async ({ store, group }) => {
    const first = await put(store, group, { position: { offset: 1 } })
    assertSaved(await saveOne(store, group, writeOf(first, { position: { offset: 2 } })))
    assertSaved(await saveOne(store, group, writeOf(await loadOne(store, group), { position: { offset: 3 } })))
    assertChanged(await saveOne(store, group, writeOf(first, { position: { offset: 4 } })))
    assert.equal(positionOf(await loadOne(store, group))?.offset, 3)
  })
}

function revisionTests({ test, options }: Harness): void {
  test('a result’s revision is the one that load gives and the next write expects', async ({ store, group }) => {
    let custody = await loadOne(store, group)
    const positions = [{ offset: 1 }, undefined, { offset: 1 }, { offset: 2 }]
    for (const position of positions.filter((one) => options.capabilities.progress || one !== undefined)) {
      const { revision } = assertSaved(await saveOne(store, group, writeOf(custody, { position })))
      assert.notEqual(revision, custody.revision)
      custody = await loadOne(store, group)
      assert.equal(custody.revision, revision)
    }
  })

  test('reading changes no revision', async ({ store, group }) => {
    const { revision } = await put(store, group)
    assert.equal((await loadOne(store, group)).revision, revision)
    assert.equal((await store.load(group))[0]?.revision, revision)
  })

  test('an offset that was removed and put again is not the one that was read before', async ({ store, group }) => {
    const before = await put(store, group, { position: { offset: 5 } })
    await put(store, group, { position: { offset: 6 } })
    const back = await put(store, group, { position: { offset: 5 } })
    assert.notEqual(back.revision, before.revision)
    assertChanged(await saveOne(store, group, writeOf(before)))
  })
}

function noticeTests({ test }: Harness): void {
  test('without compare-and-set a race is noticed, not kept out: what is there in the end is one whole write, and its writer was told so', async ({
    store,
    group,
    another,
  }) => {
    const handles = [store, await another(), await another()]
    for (let partition = 0; partition < 10; partition += 1) {
      const seen = await put(store, group, { position: FULL }, at(partition))
      const writes = handles.map((_, index) => writeOf(seen, { position: { offset: index }, ledger: [ledgerRow(group, partition)] }))
      const results = await Promise.all(handles.map((handle, index) => saveOne(handle, group, writes[index] as Write)))
      const now = await loadOne(store, group, at(partition))
      const winner = writes.findIndex(({ saveId }) => saveId === now.saveId)
      assert.equal(positionOf(now)?.offset, winner)
      assert.deepEqual(results[winner], { status: 'saved', revision: now.revision })
    }
  })
}

function raceTests({ test }: Harness): void {
  test('of two that begin at the same time exactly one is first', async ({ store, group, another }) => {
    const other = await another()
    for (let partition = 0; partition < 10; partition += 1) {
      const nothing = await loadOne(store, group, at(partition))
      const results = await Promise.all(
        [store, other].map((handle, index) => saveOne(handle, group, writeOf(nothing, { position: { offset: index } }))),
      )
      const winner = results.findIndex(({ status }) => status === 'saved')
      assert.deepEqual(results.map(({ status }) => status).toSorted(), ['changed', 'saved'])
      assert.equal(positionOf(await loadOne(store, group, at(partition)))?.offset, winner)
    }
  })

  test('writers that race lose no update', async ({ store, group, another }) => {
    const handles = [store, await another()]
    await put(store, group, { position: { offset: 0 } })
    await Promise.all(handles.map((handle) => increment(handle, group, 25)))
    assert.equal(positionOf(await loadOne(store, group))?.offset, 50)
  })
}

function partTests({ test }: Harness): void {
  test('one refused write of eight does not stop the seven', async ({ store, group }) => {
    const stale = await put(store, group, { position: { offset: 5 } }, at(3))
    await put(store, group, { position: { offset: 6 } }, at(3))
    const found = await store.load(group, [0, 1, 2, 3, 4, 5, 6, 7].map(at))
    const writes = found.map((custody) =>
      writeOf(custody.partition === 3 ? stale : custody, { position: { offset: 100 + custody.partition } }),
    )
    const results = await store.save(group, writes)
    assert.deepEqual(
      results.map(({ status }) => status),
      ['saved', 'saved', 'saved', 'changed', 'saved', 'saved', 'saved', 'saved'],
    )
    const offsets = (await store.load(group, found)).map((custody) => positionOf(custody)?.offset)
    assert.deepEqual(offsets, [100, 101, 102, 6, 104, 105, 106, 107])
  })

  test('a repeated write finds itself done: its save ID is there, and nothing is done twice', async ({ store, group }) => {
    const write = writeOf(await loadOne(store, group), { position: FULL, saveId: 'the-same', ledger: [ledgerRow(group, 0)] })
    const { revision } = assertSaved(await saveOne(store, group, write))
    const { found } = assertChanged(await saveOne(store, group, write))
    assert.deepEqual([found.saveId, found.revision], ['the-same', revision])
    assert.equal((await store.ledger({ group })).length, 1)
  })

  test('no writes are no results', async ({ store, group }) => {
    assert.deepEqual(await store.save(group, []), [])
    assert.deepEqual(await store.load(group, []), [])
  })
}

/** Adds 1 to the offset as often as that, reading again whenever somebody else was faster. */
async function increment(store: StoreDriver, group: string, times: number): Promise<void> {
  for (let done = 0; done < times;) {
    const custody = await loadOne(store, group)
    const result = await saveOne(store, group, writeOf(custody, { position: { offset: (positionOf(custody)?.offset ?? 0) + 1 } }))
    if (result.status === 'saved') done += 1
  }
}
