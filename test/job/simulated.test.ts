// What the simulation found (npm run simulate), each as one small story on a log in memory and a clock that is moved by hand.
import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { run, type RunOptions, type RunSummary } from '../../src/verbs/run.ts'
import { check } from '../../src/verbs/check.ts'
import { reset } from '../../src/verbs/reset.ts'
import { TidemarkError } from '../../src/errors.ts'
import type { HandlerBatch } from '../../src/job/handling.ts'
import type { Notice } from '../../src/job/notice.ts'
import { openMemory, type MemoryStore } from '../../src/store/memory.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { ManualClock } from '../../src/testing/manual-clock.ts'
import { MemoryLog } from '../../src/testing/memory-log.ts'
import type { Network } from '../../src/testing/memory-connection.ts'

describe('a job, as the simulation found it', () => {
  let clock: ManualClock
  let log: MemoryLog
  let memory: MemoryStore
  let store: Store
  let seen: string[]
  let notices: Notice[]

  beforeEach(async () => {
    clock = new ManualClock()
    log = new MemoryLog({ clock })
    log.createTopic('t')
    memory = await openMemory('memory:')
    store = await openStore(memory, { clock })
    seen = []
    notices = []
  })

  const collect = ({ records }: HandlerBatch): void => void seen.push(...Array.from(records, ({ value }) => String(value)))

  function options(more: Partial<RunOptions> = {}): RunOptions {
    return { group: 'g', topics: ['t'], clock, handler: collect, onNotice: (notice) => notices.push(notice), ...more }
  }

  function append(partition: number, ...values: string[]): void {
    for (const value of values) log.partition('t', partition).append({ value })
  }

  /** Lets the time go on until something is over. */
  async function over<T>(promise: Promise<T>): Promise<T> {
    const state = { isOver: false }
    const watched = promise.finally(() => (state.isOver = true))
    watched.catch(() => {})
    await clock.advance(0)
    const end = clock.now() + 600_000
    while (!state.isOver && clock.now() < end) await clock.step()
    assert.ok(state.isOver, 'it goes on and on')
    return watched
  }

  async function failed(promise: Promise<unknown>): Promise<TidemarkError> {
    const error = await over(
      promise.then(
        () => undefined,
        (thrown: unknown) => thrown,
      ),
    )
    assert.ok(error instanceof TidemarkError, String(error))
    return error
  }

  async function rows(): Promise<unknown[]> {
    const ledger = await store.ledger({ group: 'g' })
    return ledger.filter(({ verdict }) => verdict !== 'missing').map(({ action, from, to, skipped }) => [action, from, to, skipped])
  }

  it('that is told to stop while it asks the cluster ends, and fails with nothing', async () => {
    log.answerMs = 100
    const stop = new AbortController()
    const running = run(log, store, options({ signal: stop.signal }))
    await clock.advance(150)
    stop.abort()
    assert.equal((await over<RunSummary>(running)).batches, 0)
  })

  it('that is told to stop while Kafka is away names its group in the error', async () => {
    log.setDown(true)
    const stop = new AbortController()
    const running = run(log, store, options({ signal: stop.signal }))
    await clock.advance(5_000)
    stop.abort()
    const { code, group, hint } = await failed(running)
    assert.deepEqual([code, group], ['KAFKA_UNREACHABLE', 'g'])
    assert.ok(hint)
  })

  it('does not take a partition back that another worker took, as if it were new', async () => {
    log.createTopic('t', 2)
    const stop = new AbortController()
    const first = run(log, store, options({ signal: stop.signal, refreshMs: 1_000 }))
    await clock.advance(2_000)
    const second = run(log, store, options({ topics: ['t:0'], signal: stop.signal }))
    await clock.advance(1_000)
    append(0, 'a')
    append(1, 'b')
    await clock.advance(30_000)
    const custody = await store.load('g')
    assert.deepEqual(
      custody.map(({ ownerEpoch }) => ownerEpoch),
      [2, 1],
    )
    assert.deepEqual(seen.toSorted(), ['a', 'b'])
    stop.abort()
    await over(Promise.all([first, second]))
  })

  it('that comes by its owner epoch again in another worker’s name, since all was removed in between, is fenced', async () => {
    const stop = new AbortController()
    const first = run(log, store, options({ signal: stop.signal }))
    await clock.advance(2_000)
    memory.tamper('g', { topic: 't', partition: 0 }, undefined)
    const second = run(log, store, options({ signal: stop.signal, policy: { lost: 'earliest' } }))
    await clock.advance(2_000)
    const before = await store.load('g')
    assert.equal(before[0]?.ownerEpoch, 1)
    append(0, 'a', 'b')
    assert.equal((await failed(first)).code, 'FENCED')
    const after = await store.load('g')
    assert.equal(after[0]?.owner, before[0]?.owner)
    await clock.advance(2_000)
    assert.deepEqual(seen, ['a', 'b'])
    stop.abort()
    await over(second)
  })

  it('passes over unreadable batches at the start of an epoch once, and not in circles: nobody knows their epoch', async () => {
    append(0, 'a', 'b')
    log.partition('t').elect(1)
    append(0, 'c', 'd', 'e')
    log.partition('t').damage(2)
    log.partition('t').damage(3)
    await over(run(log, store, options({ untilEnd: true, onFailure: 'skip' })))
    assert.deepEqual(seen, ['a', 'b', 'e'])
    assert.deepEqual(await rows(), [
      ['skip', 2, 3, 1],
      ['skip', 3, 4, 1],
    ])
  })

  it('counts of an unreadable batch only what it passes over', async () => {
    log.partition('t').append(...['a', 'b', 'c', 'd', 'e'].map((value) => ({ value })))
    log.partition('t').damage(0)
    memory.tamper('g', { topic: 't', partition: 0 }, '3')
    await over(run(log, store, options({ untilEnd: true, onFailure: 'skip' })))
    assert.deepEqual(await rows(), [['skip', 3, 5, 2]])
  })

  it('notices a log that is cut between its reconciling and the first fetch, also where it was disputed before', async () => {
    append(0, 'a', 'b', 'c')
    await over(run(log, store, options({ untilEnd: true })))
    append(0, 'd')
    log.partition('t').damage(3)
    let asked = 0
    const network: Network = ({ api }) => {
      const isDisputed = notices.some(({ text }) => text.includes('RECORD_CORRUPT'))
      if (isDisputed && api === 'ListOffsets') asked++
      if (asked > 0 && api === 'Fetch' && log.partition('t').leaderEpoch === 0) {
        log.partition('t').truncate(1)
        append(0, 'B', 'C', 'D', 'E')
      }
      return { thereMs: 1, backMs: 1 }
    }
    await over(run(log.connect({ network }), store, options({ untilEnd: true })))
    assert.equal(log.partition('t').leaderEpoch, 1)
    assert.deepEqual(seen, ['a', 'b', 'c', 'B', 'C', 'D', 'E'])
    assert.deepEqual(await rows(), [['truncation-point', 3, 1, 0]])
  })

  it('works on what it planned before its partition is settled anew, and does not run it a second time', async () => {
    log.createTopic('t', 2)
    const [empty, damaged] = [log.partition('t', 0), log.partition('t', 1)]
    const transaction = empty.begin()
    empty.appendIn(transaction, { value: 'never' })
    empty.end(transaction, 'aborted')
    const save = memory.save.bind(memory)
    memory.save = async (group, writes) => {
      const isFirstPlan = writes.some(({ partition, planned }) => partition === 0 && planned !== undefined) && damaged.logEndOffset === 0
      if (isFirstPlan) {
        append(1, 'a', 'b')
        damaged.damage(1)
        // The reader has both by the time that this is saved: what is planned next, and what can't be read behind it.
        await clock.sleep(1_000)
      }
      return save(group, writes)
    }
    const stop = new AbortController()
    const running = run(log, store, options({ signal: stop.signal, onFailure: 'skip' }))
    await clock.advance(20_000)
    stop.abort()
    await over(running)
    assert.deepEqual(seen, ['a'])
    assert.ok(notices.some(({ text }) => text.includes('RECORD_CORRUPT')))
    assert.ok(!notices.some(({ kind }) => kind === 'replanned'))
  })

  it('that starts again notices a log that was cut below where its policy had moved it', async () => {
    append(0, 'a', 'b', 'c')
    await over(run(log, store, options({ untilEnd: true })))
    log.partition('t').truncate(2)
    append(0, 'C', 'D')
    await over(run(log, store, options({ untilEnd: true, policy: { truncated: 'latest' } })))
    log.partition('t').truncate(3)
    append(0, 'x', 'y', 'z')
    await over(run(log, store, options({ untilEnd: true })))
    assert.deepEqual(seen, ['a', 'b', 'c', 'x', 'y', 'z'])
    assert.deepEqual(await rows(), [
      ['latest', 3, 4, 2],
      ['truncation-point', 4, 3, 0],
    ])
  })

  it('names its group where the dead-letter topic can’t be written', async () => {
    append(0, 'a')
    const handler = (): never => {
      throw new Error('no')
    }
    const error = await failed(run(log, store, options({ untilEnd: true, retries: 0, handler, onFailure: { deadLetter: 'none-such' } })))
    assert.deepEqual([error.code, error.group, error.topic], ['TOPIC_NOT_FOUND', 'g', 'none-such'])
  })
})

describe('a verb, as the simulation found it', () => {
  it('says what to do next where the cluster can’t describe a topic, and names the group where offsets by time can’t be had', async () => {
    const clock = new ManualClock()
    const log = new MemoryLog({ clock })
    log.createTopic('t')
    const store = await openStore('memory:', { clock })
    let isAway = false
    const client = log.connect({ network: () => ({ thereMs: 0, backMs: 0, outcome: isAway ? 'refused' : 'answered' }) })
    const offsetsAt = client.offsetsAt.bind(client)
    client.offsetsAt = (...args) => {
      isAway = true
      return offsetsAt(...args)
    }
    await assert.rejects(
      reset(client, store, { group: 'g', topics: ['t'], clock, secondLookMs: 0, target: { kind: 'to-datetime', timestamp: 1 } }),
      {
        code: 'KAFKA_UNREACHABLE',
        group: 'g',
      },
    )
    const checked = check(client, store, { group: 'g', topics: ['t'], clock })
    checked.catch(() => {})
    await clock.advance(10_000)
    await assert.rejects(checked, { code: 'FACTS_UNKNOWN', group: 'g', topic: 't', hint: 'Try again once the brokers answer' })
  })
})
