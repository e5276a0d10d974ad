import { setImmediate as turn } from 'node:timers/promises'
import assert from 'node:assert/strict'
import { positionOf } from '../../core/custody.ts'
import { at, ledgerRow, loadOne, put, saveOne, writeOf, type Harness } from './harness.ts'

/** The account of moves: written with the move, or not at all. */
export function ledgerTests(tests: Harness): void {
  for (const part of [rowTests, orderTests, queryTests]) part(tests)
}

function rowTests({ test }: Harness): void {
  test('a ledger row comes back as it was put, unknown counts as null', async ({ store, group }) => {
    const rows = [
      ledgerRow(group, 0),
      ledgerRow(group, 0, { at: 1_763_000_000_001, from: null, to: 0, skipped: null, reread: 12, verdict: 'recreated', evidence: [] }),
    ]
    await put(store, group, { ledger: rows })
    assert.deepEqual(await store.ledger({ group }), rows)
  })

  test('rows are there with the move and are absent with a refused one', async ({ store, group }) => {
    const stale = await put(store, group, {}, at(1))
    await put(store, group, {}, at(1))
    const results = await store.save(group, [
      writeOf(await loadOne(store, group, at(0)), { position: { offset: 40 }, ledger: [ledgerRow(group, 0)] }),
      writeOf(stale, { ledger: [ledgerRow(group, 1)] }),
    ])
    assert.deepEqual(
      results.map(({ status }) => status),
      ['saved', 'changed'],
    )
    assert.deepEqual(await store.ledger({ group }), [ledgerRow(group, 0)])
  })

  test('a reader never sees a move without its row', async ({ store, group, another }) => {
    const other = await another()
    await put(store, group, { position: { offset: 0 } })
    const over = new AbortController()
    const moves = (async () => {
      for (let offset = 1; offset <= 30; offset += 1) {
        await put(store, group, { position: { offset }, ledger: [ledgerRow(group, 0, { at: 1_763_000_000_000 + offset, to: offset })] })
      }
      over.abort()
    })()
    while (!over.signal.aborted) {
      const offset = positionOf(await loadOne(other, group))?.offset ?? 0
      const rows = await other.ledger({ group })
      assert.ok(rows.length >= offset, `offset ${offset} was seen with ${rows.length} rows`)
      await turn() // a store that answers without waiting for anything would keep the writer from ever hearing of its disk
    }
    await moves
  })
}

function orderTests({ test }: Harness): void {
  test('rows come oldest first, whatever the order of their partitions', async ({ store, group }) => {
    const times = [5, 1, 4, 2, 3]
    for (const [partition, time] of times.entries()) {
      await put(store, group, { ledger: [ledgerRow(group, partition, { at: 1_763_000_000_000 + time })] }, at(partition))
    }
    const found = await store.ledger({ group })
    assert.deepEqual(
      found.map((row) => row.at - 1_763_000_000_000),
      [1, 2, 3, 4, 5],
    )
  })

  test('rows on both sides of midnight come in order', async ({ store, group }) => {
    const midnight = Date.UTC(2026, 0, 1)
    const times = [midnight, midnight - 1, midnight + 86_400_000]
    for (const time of times) await put(store, group, { ledger: [ledgerRow(group, 0, { at: time })] })
    assert.deepEqual(
      (await store.ledger({ group })).map((row) => row.at),
      times.toSorted((a, b) => a - b),
    )
    assert.deepEqual(
      (await store.ledger({ group, since: midnight })).map((row) => row.at),
      [midnight, midnight + 86_400_000],
    )
  })
}

function queryTests({ test }: Harness): void {
  test('a query gives the rows for which all that it names holds', async ({ store, group }) => {
    const other = { topic: 'invoices', partition: 0 }
    await put(store, group, { ledger: [ledgerRow(group, 0, { at: 1_763_000_000_001 })] })
    await put(store, group, { ledger: [ledgerRow(group, 1, { at: 1_763_000_000_002 })] }, at(1))
    await put(store, group, { ledger: [{ ...ledgerRow(group, 0, { at: 1_763_000_000_003 }), ...other }] }, other)
    await put(store, `${group}-2`, { ledger: [ledgerRow(`${group}-2`, 0, { at: 1_763_000_000_004 })] })
    const times = async (query: Parameters<typeof store.ledger>[0]): Promise<number[]> =>
      (await store.ledger(query)).map((row) => row.at % 10)
    assert.deepEqual(await times({ group }), [1, 2, 3])
    assert.deepEqual(await times({ group, topic: 'orders' }), [1, 2])
    assert.deepEqual(await times({ group, partition: 0 }), [1, 3])
    assert.deepEqual(await times({ group, topic: 'orders', partition: 1 }), [2])
    assert.deepEqual(await times({ group, since: 1_763_000_000_002 }), [2, 3])
    assert.deepEqual(await times({ group: `${group}-unheard-of` }), [])
    const everyone = await store.ledger({ topic: 'orders' })
    assert.deepEqual(
      [group, `${group}-2`].map((name) => everyone.filter((row) => row.group === name).length),
      [2, 1],
    )
  })

  test('several rows of one write come back all', async ({ store, group }) => {
    const rows = Array.from({ length: 20 }, (_, index) => ledgerRow(group, 0, { at: 1_763_000_000_000 + index, to: index }))
    assert.equal((await saveOne(store, group, writeOf(await loadOne(store, group), { ledger: rows }))).status, 'saved')
    assert.deepEqual(await store.ledger({ group }), rows)
  })
}
