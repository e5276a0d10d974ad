import assert from 'node:assert/strict'
import { FULL, ifProgress, ledgerRow, loadOne, put, type Harness } from './harness.ts'

/** What one handle does, another one sees, now or after all were closed. */
export function handleTests({ test, options }: Harness): void {
  test('says what it can do', async ({ store }) => {
    assert.deepEqual(store.capabilities, options.capabilities)
  })

  test('two handles see each other’s writes at once', async ({ store, group, another }) => {
    const other = await another()
    const saved = await put(store, group, { position: FULL, ledger: [ledgerRow(group, 0)] })
    assert.deepEqual(await loadOne(other, group), saved)
    const next = await put(other, group, { position: { offset: 9 } })
    assert.deepEqual(await loadOne(store, group), next)
    assert.deepEqual(await store.ledger({ group }), await other.ledger({ group }))
  })

  test('closing one handle leaves the other usable, and closing twice is no error', async ({ store, group, another }) => {
    const other = await another()
    const saved = await put(other, group, { position: FULL })
    await other.close()
    await other.close()
    assert.deepEqual(await loadOne(store, group), saved)
  })

  const reopen = options.reopen ?? options.open
  test(
    options.capabilities.durable ? 'a reopened store has all that was saved' : 'a store that is not durable is empty again',
    async ({ store, group }) => {
      const planned = ifProgress(options, { planned: { fromOffset: 1_200, untilOffset: 1_201 } })
      const saved = await put(store, group, { position: FULL, ledger: [ledgerRow(group, 0)], ...planned })
      await store.close()
      const reopened = await reopen(group)
      try {
        const found = await reopened.load(group)
        const rows = await reopened.ledger({ group })
        assert.deepEqual([found, rows], options.capabilities.durable ? [[saved], [ledgerRow(group, 0)]] : [[], []])
      } finally {
        await reopened.close()
      }
    },
  )
}
