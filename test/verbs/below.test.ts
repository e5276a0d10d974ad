import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { check, openStore, TidemarkError, type Store } from '../../src/index.ts'
import { MemoryLog } from '../../src/testing/index.ts'

const COMMIT = 1_000_000
const SKEW = 500
const options = { group: 'g', clockSkewMs: SKEW, secondLookMs: 0 }

/** When records were written, ms before or after the commit, batch by batch; and by how much their times are wrong. */
type Batches = readonly (readonly { readonly written: number; readonly error: number }[])[]

function batches(written: fc.Arbitrary<number>): fc.Arbitrary<Batches> {
  const record = fc.record({ written, error: fc.integer({ min: -SKEW, max: SKEW - 1 }) })
  return fc.array(fc.array(record, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 6 })
}

/** A store with the number of all these records, committed at COMMIT, and a log that holds them. */
async function withLog(made: Batches): Promise<{ log: MemoryLog; store: Store; offset: number }> {
  const log = new MemoryLog()
  log.createTopic('t')
  for (const batch of made)
    log.partition('t').append(...batch.map(({ written, error }) => ({ value: 'v', timestamp: COMMIT + written + error })))
  const offset = made.flat().length
  const store = await openStore('memory:')
  const position = { offset, commitTime: COMMIT }
  await store.save('g', [{ topic: 't', partition: 0, expected: 'none', position, ownerEpoch: 0, saveId: 's', ledger: [] }])
  return { log, store, offset }
}

async function verdictOf(
  made: Batches,
  more: { readonly futureAt?: number | undefined; readonly expire?: number | undefined } = {},
): Promise<string | undefined> {
  const all = made.flat()
  const future = more.futureAt === undefined ? undefined : all[more.futureAt % all.length]
  const stamped = made.map((batch) => batch.map((record) => (record === future ? { ...record, error: 90_000 } : record)))
  const { log, store, offset } = await withLog(stamped)
  if (more.expire !== undefined) log.partition('t').expire(more.expire % (offset + 1))
  const [row] = await check(log, store, options)
  await store.close()
  return row?.verdict
}

test('an offset is never suspect where what lies below it was written before its commit, whatever the clocks and their order within the skew', async () => {
  await fc.assert(
    fc.asyncProperty(batches(fc.integer({ min: -10_000, max: 0 })), fc.option(fc.nat(20), { nil: undefined }), async (made, expire) => {
      assert.equal(await verdictOf(made, { expire }), 'valid')
    }),
  )
})

test('nor where one record, anywhere, is stamped with a future time', async () => {
  await fc.assert(
    fc.asyncProperty(batches(fc.integer({ min: -10_000, max: 0 })), fc.nat(30), async (made, futureAt) => {
      assert.equal(await verdictOf(made, { futureAt }), 'valid')
    }),
  )
})

test('it is suspect where all that lies below it, more than one record, was written after it by more than the skew', async () => {
  const later = batches(fc.integer({ min: 2 * SKEW, max: 10_000 })).filter((made) => made.flat().length > 1)
  await fc.assert(fc.asyncProperty(later, async (made) => assert.equal(await verdictOf(made), 'suspect')))
})

test('it is suspect where its tail, more than one record, was written after it, whatever came before', async () => {
  const later = batches(fc.integer({ min: 2 * SKEW, max: 10_000 })).filter((made) => made.flat().length > 1)
  await fc.assert(
    fc.asyncProperty(batches(fc.integer({ min: -10_000, max: 0 })), later, async (before, after) => {
      assert.equal(await verdictOf([...before, ...after]), 'suspect')
    }),
  )
})

test('what can’t be asked is said, and costs no verdict', async () => {
  const { log, store } = await withLog([[{ written: 5_000, error: 0 }], [{ written: 5_000, error: 0 }]])
  const unreadable = log.connect()
  unreadable.batches = async (questions) =>
    questions.map(({ topic, partition }) => ({ topic, partition, state: 'unknown', reason: 'TIMED_OUT', detail: 'late' }))
  const [row] = await check(unreadable, store, options)
  assert.equal(row?.verdict, 'valid')
  assert.match(row.evidence.join('; '), /the record at 0 is later than the commit; .* is not known: TIMED_OUT: late/)
  unreadable.offsetsAt = () => Promise.reject(new TidemarkError('KAFKA_UNREACHABLE', 'no broker could be reached'))
  const failed = await check(unreadable, store, options)
  assert.match(
    failed[0]?.evidence.join('; ') ?? '',
    /whether records below the offset are later than its commit is not known: no broker could be reached/,
  )
  unreadable.offsetsAt = () => Promise.reject(new TypeError('a bug'))
  await assert.rejects(check(unreadable, store, options), TypeError)
  await store.close()
})
