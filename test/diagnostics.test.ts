import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { appendFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { guard, openStore, read, run, step, type BatchEvent, type Beginning, type NoticeEvent, type SaveEvent } from '../src/index.ts'
import { printRange } from '../src/job/batch.ts'
import { openMemory } from '../src/store/memory.ts'
import { FaultyStore, MemoryLog } from '../src/testing/index.ts'

/** A log with so many records in one partition. */
function filled(records: number): MemoryLog {
  const log = new MemoryLog()
  const [partition] = log.createTopic('orders').partitions
  for (let index = 0; index < records; index++) partition?.append({ value: String(index) })
  return log
}

const options = { group: 'billing', topics: ['orders'], untilEnd: true, secondLookMs: 0 }

/** What a channel tells while something is done. */
async function told<T>(name: string, work: () => Promise<unknown>): Promise<T[]> {
  const events: T[] = []
  const listener = (event: unknown): void => void events.push(event as T)
  subscribe(name, listener)
  try {
    await work()
  } finally {
    unsubscribe(name, listener)
  }
  return events
}

describe('tidemark:batch', () => {
  it('tells of each batch when it is planned, handled and saved, by the same ranges', async () => {
    await using store = await openStore('memory:')
    const given: unknown[] = []
    const events = await told<BatchEvent>('tidemark:batch', () =>
      run(filled(20), store, { ...options, maxRecords: 10, handler: ({ ranges }) => void given.push(ranges) }),
    )
    assert.deepEqual(
      events.map(({ state }) => state),
      ['planned', 'handled', 'saved', 'planned', 'handled', 'saved'],
    )
    for (const [index, event] of events.entries()) assert.equal(event.ranges, given[Math.floor(index / 3)])
    const [first] = events
    assert.deepEqual({ ...first, ms: 0 }, { group: 'billing', state: 'planned', ranges: given[0], recordCount: 10, ms: 0 })
    assert.ok(events.every(({ ms }) => ms >= 0))
  })

  it('tells of a batch that failed, and then of its parts', async () => {
    await using store = await openStore('memory:')
    const handler = ({ records }: { records: Iterable<{ value: Buffer | null }> }): void => {
      if ([...records].some(({ value }) => String(value) === '3')) throw new Error('no')
    }
    const events = await told<BatchEvent>('tidemark:batch', () =>
      run(filled(4), store, { ...options, retries: 0, onFailure: 'skip', handler }),
    )
    assert.deepEqual(
      events.map(({ state, recordCount }) => `${state} ${recordCount}`),
      [
        'planned 4',
        'failed 4',
        'planned 2',
        'planned 2',
        'handled 2',
        'saved 2',
        'failed 2',
        'planned 1',
        'planned 1',
        'handled 1',
        'saved 1',
        'failed 1',
      ],
    )
    assert.match(String(events[1]?.error), /the handler threw/)
  })

  it('tells of batches that read hands out', async () => {
    await using store = await openStore('memory:')
    const events = await told<BatchEvent>('tidemark:batch', async () => {
      for await (const batch of read(filled(1), store, options)) await batch.done()
    })
    assert.deepEqual(
      events.map(({ state }) => state),
      ['planned', 'handled', 'saved'],
    )
  })
})

describe('tidemark:batch of work that other programs do', () => {
  const shown = ({ state, ranges, recordCount, error }: BatchEvent) => [
    state,
    ranges.map(printRange).join(),
    recordCount,
    error instanceof Error ? error.message : '',
  ]

  it('tells of each step as of a batch, in offsets', async () => {
    await using store = await openStore('memory:')
    let steps = 0
    const work = async (): Promise<boolean> => {
      if (steps++ === 1) throw new Error('no')
      return steps < 3
    }
    const log = filled(20)
    const events = await told<BatchEvent>('tidemark:batch', async () => {
      await step(log, store, { ...options, untilEnd: false, maxRecords: 10, work })
      await assert.rejects(step(log, store, { ...options, maxRecords: 10, work }), /no/)
      await step(log, store, { ...options, maxRecords: 10, work })
    })
    assert.deepEqual(events.map(shown), [
      ['planned', 'orders-0 [0, 10)', 10, ''],
      ['handled', 'orders-0 [0, 10)', 10, ''],
      ['saved', 'orders-0 [0, 10)', 10, ''],
      ['planned', 'orders-0 [10, 20)', 10, ''],
      ['failed', 'orders-0 [10, 20)', 10, 'no'],
      ['planned', 'orders-0 [10, 20)', 10, ''],
      ['failed', 'orders-0 [10, 20)', 10, 'the work of the step did not succeed'],
    ])
    assert.equal(events[0]?.ranges, events[2]?.ranges)
  })

  it('tells of what a guarded job did when it is saved, or refused', async () => {
    await using store = await openStore('memory:')
    const report = (fromOffset: number, untilOffset: number): string =>
      JSON.stringify({ topic: 'orders', partition: 0, fromOffset, untilOffset })
    const lines = [report(0, 5), report(5, 5), report(7, 9)]
    const saved = Promise.withResolvers<void>()
    const command = {
      run: async ({ done }: Beginning): Promise<number> => {
        for (const line of lines) {
          appendFileSync(String(done), `${line}\n`)
          if (line === lines[0]) await saved.promise
        }
        return 0
      },
      stop: () => {},
      isStopped: false,
    }
    const onSave = (event: unknown): void => ((event as BatchEvent).state === 'saved' ? saved.resolve() : undefined)
    subscribe('tidemark:batch', onSave)
    const events = await told<BatchEvent>('tidemark:batch', () =>
      assert.rejects(guard(filled(20), store, { ...options, command }), { code: 'RANGE_REFUSED' }),
    )
    unsubscribe('tidemark:batch', onSave)
    assert.deepEqual(
      events.map(({ state, ranges, recordCount }) => [state, ranges.map(printRange), recordCount]),
      [
        ['saved', ['orders-0 [0, 5)'], 5],
        ['failed', ['orders-0 [7, 9)'], 2],
      ],
    )
  })
})

describe('tidemark:save and tidemark:notice', () => {
  it('tell of each write, with how many partitions it was for', async () => {
    await using store = await openStore('memory:')
    const events = await told<SaveEvent>('tidemark:save', () => run(filled(1), store, { ...options, handler: () => {} }))
    assert.deepEqual(
      events.map(({ group, writes, error }) => ({ group, writes, error })),
      [
        { group: 'billing', writes: 1, error: undefined },
        { group: 'billing', writes: 1, error: undefined },
      ],
    )
  })

  it('tell of a save that was given up, and of the batch that it ends', async () => {
    const faulty = new FaultyStore(await openMemory('memory:'))
    await using store = await openStore(faulty)
    const stop = new AbortController()
    const handler = (): void => {
      faulty.fail('save', 'before')
      stop.abort()
    }
    const batches: BatchEvent[] = []
    const saves = await told<SaveEvent>('tidemark:save', async () => {
      const work = (): Promise<unknown> =>
        assert.rejects(run(filled(1), store, { ...options, handler, signal: stop.signal }), { code: 'STORE_UNREACHABLE' })
      batches.push(...(await told<BatchEvent>('tidemark:batch', work)))
    })
    assert.match(String(saves.at(-1)?.error), /STORE_UNREACHABLE|failed as it was told/)
    assert.deepEqual(
      batches.map(({ state }) => state),
      ['planned', 'handled', 'failed'],
    )
  })

  it('tell of what onNotice is told, with the group', async () => {
    await using store = await openStore('memory:')
    const heard: object[] = []
    const events = await told<NoticeEvent>('tidemark:notice', () =>
      run(filled(1), store, { ...options, handler: () => {}, onNotice: (notice) => void heard.push(notice) }),
    )
    assert.ok(events.some(({ kind }) => kind === 'started'))
    assert.deepEqual(
      events,
      heard.map((notice) => ({ group: 'billing', ...notice })),
    )
  })
})
