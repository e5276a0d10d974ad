import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { LedgerRow } from '../../src/core/ledger.ts'
import type { Write } from '../../src/store/driver.ts'
import { openLedgerFile, type Judge, type Outcome } from '../../src/store/ledger-file.ts'
import { openStore } from '../../src/store/store.ts'
import { temporaryDirectory } from './temporary.ts'

const path = (): string => join(temporaryDirectory(), 'ledger.db')

function move(saveId: string, partition = 0): Write {
  const place = { topic: 'orders', partition }
  const row: LedgerRow = {
    ...place,
    group: 'g',
    at: partition,
    verdict: 'expired',
    action: 'earliest',
    from: 1,
    to: 9,
    skipped: 8,
    reread: 0,
    actor: 'me',
    evidence: ['why'],
  }
  return { ...place, expected: 'before', position: { offset: 9 }, ownerEpoch: 0, saveId, ledger: [row] }
}

const judged =
  (outcome: Outcome): Judge =>
  async (intents) =>
    intents.map(() => outcome)

const never: Judge = async () => assert.fail('nothing is left over')

test('a move that was announced and confirmed has its row, once; one that was withdrawn has none', async () => {
  const ledger = openLedgerFile(path(), 'store')
  await ledger.announce('g', [move('a', 0), move('b', 1)])
  await ledger.confirm('g', [move('a', 0)])
  await ledger.withdraw([move('b', 1)])
  assert.deepEqual(await ledger.rows({ group: 'g' }, never), move('a', 0).ledger)
  assert.deepEqual(await ledger.partitions('g'), [{ topic: 'orders', partition: 0 }])
  assert.deepEqual(await ledger.groups(), ['g'])
  ledger.close()
})

test('an announced move shows as what is stored says of it, before and after it is settled', async () => {
  for (const [outcome, count, isMarked] of [
    ['done', 1, false],
    ['unknown', 1, true],
    ['not-done', 0, false],
  ] as const) {
    const ledger = openLedgerFile(path(), 'store')
    await ledger.announce('g', [move('a')])
    const rows = await ledger.rows({}, judged(outcome))
    assert.deepEqual([rows.length, rows.some(({ evidence }) => evidence.length > 1)], [count, isMarked], outcome)
    await ledger.settle('g', judged(outcome))
    assert.deepEqual(await ledger.rows({}, judged('not-done')), rows, outcome)
    ledger.close()
  }
})

test('a move that another process has announced a moment ago is not withdrawn, and has its row once that confirms it', async () => {
  const file = path()
  const [mine, theirs] = [openLedgerFile(file, 'store'), openLedgerFile(file, 'store')]
  await theirs.announce('g', [move('a')])
  await mine.settle('g', judged('not-done'))
  await theirs.confirm('g', [move('a')])
  assert.deepEqual(await mine.rows({}, never), move('a').ledger)
  mine.close()
  theirs.close()
})

test('a move that is settled by one process and confirmed by its own has one row', async () => {
  const file = path()
  const [mine, theirs] = [openLedgerFile(file, 'store'), openLedgerFile(file, 'store')]
  await theirs.announce('g', [move('a')])
  await mine.settle('g', judged('unknown'))
  await theirs.confirm('g', [move('a')])
  assert.deepEqual(await mine.rows({}, never), move('a').ledger)
  mine.close()
  theirs.close()
})

test('a move that its own process confirms while another one judges it stays as that said', async () => {
  const file = path()
  const [mine, theirs] = [openLedgerFile(file, 'store'), openLedgerFile(file, 'store')]
  await theirs.announce('g', [move('a'), move('b', 1)])
  await mine.settle('g', async (intents) => {
    await theirs.confirm('g', [move('a')])
    await theirs.withdraw([move('b', 1)])
    return intents.map(() => 'unknown')
  })
  assert.deepEqual(await mine.rows({}, never), move('a').ledger)
  mine.close()
  theirs.close()
})

test('one file holds the moves of several stores apart, and a store of its own: a group of that name there is not lost', async () => {
  const file = path()
  await using store = await openStore(`sqlite:${file}`)
  const [one, other] = [openLedgerFile(file, 'one'), openLedgerFile(file, 'other')]
  await one.announce('g', [move('a')])
  await one.confirm('g', [move('a')])
  assert.deepEqual([await other.rows({}, never), await other.partitions('g'), await other.groups()], [[], [], []])
  assert.deepEqual(await store.load('g'), [])
  assert.deepEqual(await store.ledger({}), [])
  one.close()
  other.close()
})

test('reading a file that is not there creates none, and a write without rows neither', async () => {
  const file = path()
  const ledger = openLedgerFile(file, 'store')
  assert.deepEqual([await ledger.rows({}, never), await ledger.partitions('g'), await ledger.groups()], [[], [], []])
  await ledger.announce('g', [{ ...move('a'), ledger: [] }])
  await ledger.settle('g', never)
  ledger.close()
  assert.equal(existsSync(file), false)
})
