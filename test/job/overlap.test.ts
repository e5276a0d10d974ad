// Batches of different partitions overlap: one is worked on while the other is saved. On a log in memory, with a store that is held up by hand.
import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import type { OffsetRange } from '../../src/core/position.ts'
import { TidemarkError } from '../../src/errors.ts'
import { JobControl } from '../../src/job/control.ts'
import type { HandlerBatch } from '../../src/job/handling.ts'
import type { Write } from '../../src/store/driver.ts'
import { openMemory } from '../../src/store/memory.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { FaultyStore } from '../../src/testing/faulty-store.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { MemoryLog } from '../../src/testing/memory-log.ts'
import { run, type RunOptions } from '../../src/verbs/run.ts'

const GROUP = 'g'

describe('a job whose saves take long', () => {
  let clock: ManualClock
  let log: MemoryLog
  let store: Store
  let faulty: FaultyStore
  /** What the handler was given, and what was saved, in order. */
  let events: string[]
  /** Saves of these wait until they are let go. */
  let held: (write: Write) => boolean
  let letGo: () => void
  /** No save is answered any more. */
  let isAway: boolean

  beforeEach(async () => {
    clock = new ManualClock()
    log = new MemoryLog({ clock })
    log.createTopic('t', 2)
    faulty = new FaultyStore(await openMemory('memory:'))
    events = []
    held = () => false
    isAway = false
    const gate = Promise.withResolvers<void>()
    letGo = gate.resolve
    const save = faulty.save.bind(faulty)
    faulty.save = async (group, writes) => {
      if (isAway) throw new TidemarkError('STORE_UNREACHABLE', 'the store is away')
      if (writes.some(held)) await gate.promise
      const results = await save(group, writes)
      for (const { partition, position } of writes)
        if ((position?.offset ?? 0) > 0) events.push(`saved ${partition} at ${position?.offset}`)
      return results
    }
    store = await openStore(faulty, { clock, timeoutMs: 3_600_000 })
  })

  const print = (ranges: readonly OffsetRange[]): string =>
    ranges.map(({ partition, fromOffset, untilOffset }) => `${partition} [${fromOffset}, ${untilOffset})`).join(' ')

  function start(more: Partial<RunOptions> = {}) {
    const stop = new AbortController()
    const handler = ({ ranges }: HandlerBatch): void => void events.push(`works on ${print(ranges)}`)
    const options = { group: GROUP, topics: ['t'], clock, handler, maxRecords: 2, signal: stop.signal, ...more }
    const ended = run(log, store, options).then(
      () => undefined,
      (error: unknown) => error,
    )
    return { ended, stop: () => stop.abort() }
  }

  function append(partition: number, count: number): void {
    for (let index = 0; index < count; index++) log.partition('t', partition).append({ value: 'x' })
  }

  /** Saves of what was done of a partition up to an offset. */
  const saving =
    (partition: number, offset: number) =>
    (write: Write): boolean =>
      write.partition === partition && write.position?.offset === offset

  const plans = async (): Promise<unknown[]> => (await store.load(GROUP)).map(({ planned }) => planned)

  it('works on the other partition meanwhile, and never on one whose save is under way', async () => {
    append(0, 8)
    append(1, 6)
    held = saving(0, 4)
    const job = start()
    await clock.advance(10_000)
    assert.deepEqual(
      events.filter((event) => event.startsWith('works')),
      ['works on 0 [0, 2)', 'works on 0 [2, 4)', 'works on 1 [0, 2)', 'works on 1 [2, 4)', 'works on 1 [4, 6)'],
    )
    letGo()
    await clock.advance(10_000)
    job.stop()
    await clock.advance(1_000)
    assert.equal(await job.ended, undefined)
    assert.deepEqual(events.slice(-3), ['saved 0 at 6', 'works on 0 [6, 8)', 'saved 0 at 8'])
  })

  it('takes no more of a partition that was paused and resumed while it is saved', async () => {
    const control = new JobControl()
    append(0, 6)
    append(1, 2)
    held = saving(0, 4)
    const handler = ({ ranges: [range] }: HandlerBatch): void => {
      // Its own save takes nothing more of it; the other's, which comes when it is resumed, must not either.
      if (range?.partition === 0 && range.fromOffset === 2) control.pause(range)
      if (range?.partition === 1) control.resume({ topic: 't', partition: 0 })
    }
    const job = start({ control, handler })
    await clock.advance(10_000)
    const plan = { fromOffset: 2, untilOffset: 4 }
    assert.deepEqual(await plans(), [plan, undefined], 'the plan of what is saved is the only one of its partition')
    letGo()
    await clock.advance(10_000)
    job.stop()
    await clock.advance(1_000)
    assert.equal(await job.ended, undefined)
    assert.deepEqual(events, ['saved 0 at 2', 'saved 1 at 2', 'saved 0 at 4', 'saved 0 at 6'])
  })

  it('that is told to stop saves what is done, and leaves nothing planned that was not begun', async () => {
    append(0, 6)
    append(1, 6)
    const { promise, resolve } = Promise.withResolvers<void>()
    const job = start({
      handler: async ({ ranges: [range] }) => {
        if (range?.partition === 0 && range.fromOffset === 2) await promise
      },
    })
    await clock.advance(5_000)
    const [first, second] = [
      { fromOffset: 2, untilOffset: 4 },
      { fromOffset: 0, untilOffset: 2 },
    ]
    assert.deepEqual(await plans(), [first, second], 'both are planned')
    job.stop()
    resolve()
    await clock.advance(1_000)
    assert.equal(await job.ended, undefined)
    assert.deepEqual(events, ['saved 0 at 2', 'saved 0 at 4'])
    assert.deepEqual(await plans(), [undefined, undefined])
  })

  it('that is told to stop ends although the store goes away, and says that what was not begun stays planned', async () => {
    append(0, 6)
    append(1, 6)
    const notices: string[] = []
    const job = start({
      handler: ({ ranges: [range] }) => {
        if (range?.partition === 0 && range.fromOffset === 2) job.stop()
      },
      onNotice: ({ text }) => notices.push(text),
    })
    held = (write) => {
      isAway = saving(0, 4)(write)
      return false
    }
    await clock.advance(4_000_000)
    assert.equal(await job.ended, undefined)
    assert.deepEqual(events, ['saved 0 at 2', 'saved 0 at 4'])
    assert.deepEqual(await plans(), [undefined, { fromOffset: 0, untilOffset: 2 }])
    assert.match(notices.at(-1) ?? '', /^what was planned and not begun stays planned for the next start: the store is away/)
  })

  it('that is told to stop before it runs again what was planned leaves it planned', async () => {
    append(0, 2)
    const killed = start({ handler: () => Promise.reject(new Error('no')), retries: 0 })
    await clock.advance(1_000)
    await killed.ended
    const [planned] = await plans()
    assert.deepEqual(planned, { fromOffset: 0, untilOffset: 2 })
    held = ({ partition, position, planned: again }) => partition === 0 && position === undefined && again !== undefined && isRunning
    let isRunning = false
    const job = start({ onNotice: ({ kind }) => (isRunning ||= kind === 'replanned') })
    await clock.advance(1_000)
    assert.ok(isRunning)
    job.stop()
    letGo()
    await clock.advance(1_000)
    assert.equal(await job.ended, undefined)
    assert.deepEqual(events, [])
    assert.deepEqual(await plans(), [planned, undefined])
  })

  it('whose handler fails after a save that failed too says so of both', async () => {
    append(0, 6)
    append(1, 2)
    const notices: string[] = []
    const handler = ({ ranges: [range] }: HandlerBatch): void => {
      if (range?.partition === 0) isAway = range.fromOffset === 2
      else {
        job.stop()
        throw new Error('no')
      }
    }
    const job = start({ handler, retries: 0, onNotice: ({ kind, text }) => kind === 'unsaved' && notices.push(text) })
    await clock.advance(4_000_000)
    const error = await job.ended
    assert.ok(error instanceof TidemarkError)
    assert.deepEqual([error.code, error.partition], ['HANDLER_FAILED', 1])
    assert.deepEqual(events, ['saved 0 at 2'])
    assert.equal(notices.length, 1)
    assert.match(notices[0] ?? '', /could not be saved either, and is handled again at the next start: the store is away/)
  })

  it('that is told to stop while it waits for its rate begins nothing more', async () => {
    append(0, 6)
    const job = start({ maxRecordsPerSecond: 1 })
    await clock.advance(1_000)
    job.stop()
    await clock.advance(10_000)
    assert.equal(await job.ended, undefined)
    assert.deepEqual(events, ['works on 0 [0, 2)', 'saved 0 at 2'])
    assert.deepEqual(await plans(), [undefined, undefined])
  })

  it('whose handler fails saves what was done before that', async () => {
    append(0, 6)
    append(1, 2)
    held = saving(0, 4)
    const handler = ({ ranges }: HandlerBatch): void => {
      if (ranges[0]?.partition === 1) throw new Error('no')
    }
    const job = start({ handler, retries: 0 })
    await clock.advance(1_000)
    assert.deepEqual(events, ['saved 0 at 2'])
    letGo()
    await clock.advance(1_000)
    const error = await job.ended
    assert.ok(error instanceof TidemarkError)
    assert.deepEqual([error.code, error.partition], ['HANDLER_FAILED', 1])
    assert.deepEqual(events, ['saved 0 at 2', 'saved 0 at 4'])
  })

  it('whose partitions are all taken meanwhile begins nothing more, and says so', async () => {
    append(0, 6)
    append(1, 6)
    held = saving(0, 4)
    const job = start()
    await clock.advance(1_000)
    const other = start({ handler: () => new Promise(() => {}) })
    await clock.advance(10_000)
    letGo()
    append(1, 1)
    await clock.advance(10_000)
    const error = await job.ended
    assert.ok(error instanceof TidemarkError)
    assert.equal(error.code, 'FENCED')
    assert.ok(!events.some((event) => event.startsWith('works on 0 [4')))
    other.stop()
  })
})
