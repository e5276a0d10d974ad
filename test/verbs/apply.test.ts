import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openStore, type Store } from '../../src/store/store.ts'
import { apply, reconcile } from '../../src/verbs/reconcile.ts'
import { reset } from '../../src/verbs/reset.ts'
import { Scripted } from './scripted.ts'

const group = 'billing'
const place = { topic: 't', partition: 0 }
const expired = new Scripted({ facts: { 't-0': [{ logStartOffset: 50 }] } })
const options = { group, clock: expired.clock, actor: 'test' }

/** A store in which the group has an offset. */
async function storing(offset: number): Promise<Store> {
  const store = await openStore('memory:')
  await move(store, offset)
  return store
}

async function move(store: Store, offset: number, saveId = `at ${offset}`): Promise<void> {
  const [found] = await store.load(group, [place])
  const [result] = await store.save(group, [
    { ...place, expected: found?.revision ?? '', position: { offset }, ownerEpoch: found?.ownerEpoch ?? 0, saveId, ledger: [] },
  ])
  assert.equal(result?.status, 'saved')
}

async function committed(store: Store): Promise<number | undefined> {
  const [found] = await store.load(group, [place])
  return found?.stored.state === 'position' ? found.stored.position.offset : undefined
}

test('invariant 5: applying a plan twice equals applying it once', async () => {
  await using store = await storing(5)
  const plan = await reconcile(expired.log, store, options)
  for (const _ of [1, 2]) {
    assert.deepEqual(
      (await apply(plan, store)).map(({ status }) => status),
      ['moved'],
    )
    assert.equal(await committed(store), 50)
    assert.equal((await store.ledger({ group })).length, 1)
  }
  const again = await reconcile(expired.log, store, options)
  assert.deepEqual(
    again.entries.map(({ verdict, outcome }) => [verdict, outcome]),
    [['valid', 'none']],
  )
})

test('invariant 2: no move is applied to an offset that changed since it was read', async () => {
  await using store = await storing(5)
  const plan = await reconcile(expired.log, store, options)
  await move(store, 7)
  assert.deepEqual(
    (await apply(plan, store)).map(({ status }) => status),
    ['changed'],
  )
  assert.equal(await committed(store), 7)
  assert.deepEqual(await store.ledger({ group }), [])
})

test('invariant 2: no move is applied while the group is active', async () => {
  await using store = await storing(5)
  const plan = await reconcile(expired.log, store, options)
  const membership = await store.join(group, { id: 'worker-1', host: 'here' })
  await assert.rejects(apply(plan, store), { code: 'GROUP_ACTIVE', message: /tidemark worker-1 on here/ })
  assert.equal(await committed(store), 5)
  await membership.leave()
  assert.deepEqual(
    (await apply(plan, store)).map(({ status }) => status),
    ['moved'],
  )
})

test('a plan beyond its limit is not applied', async () => {
  await using store = await storing(5)
  const plan = await reconcile(expired.log, store, { ...options, policy: { maxSkip: 44 } })
  await assert.rejects(apply(plan, store), {
    code: 'LIMIT_EXCEEDED',
    message: /skips at most 45 records, and maxSkip allows 44 \(group billing\)/,
  })
  assert.equal(await committed(store), 5)
})

test('a plan without moves needs nobody to stop', async () => {
  await using store = await storing(60)
  await store.join(group, { id: 'worker-1', host: 'here' })
  assert.deepEqual(
    (await apply(await reconcile(expired.log, store, options), store)).map(({ status }) => status),
    ['untouched'],
  )
})

test('a reset names itself in the ledger', async () => {
  await using store = await storing(60)
  await reset(expired.log, store, { ...options, target: { kind: 'shift-by', records: -5 }, execute: true })
  const [row] = await store.ledger({ group })
  assert.deepEqual([row?.action, row?.verdict, row?.from, row?.to, row?.reread, row?.actor], ['shift-by', 'valid', 60, 55, 5, 'test'])
})
