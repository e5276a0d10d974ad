import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { openStore, step, type Step, type StepOptions, type Store } from '../../src/index.ts'
import { openMemory } from '../../src/store/memory.ts'
import { MemoryLog } from '../../src/testing/memory-log.ts'

describe('step, as a library', () => {
  let log: MemoryLog
  let store: Store
  let steps: Step[]

  beforeEach(async () => {
    log = new MemoryLog()
    log.createTopic('t', 2)
    store = await openStore(await openMemory('memory:'))
    steps = []
  })

  function fill(count: number): void {
    for (const partition of [0, 1]) log.partition('t', partition).append(...Array.from({ length: count }, () => ({ value: 'x' })))
  }

  function options(more: Partial<StepOptions> = {}): StepOptions {
    const work = async (one: Step) => steps.push(one) > 0
    return { group: 'g', topics: ['t'], maxRecords: 10, work, ...more }
  }

  it('does one step: what to read, as ranges and as Spark takes it', async () => {
    fill(20)
    const summary = await step(log, store, options())
    const ranges = [0, 1].map((partition) => ({ topic: 't', partition, fromOffset: 0, untilOffset: 5 }))
    assert.deepEqual(summary, { steps: 1, ranges, succeeded: true })
    assert.deepEqual(steps, [{ ranges, startingOffsets: '{"t":{"0":0,"1":0}}', endingOffsets: '{"t":{"0":5,"1":5}}', isReplay: false }])
  })

  it('does the same ranges again after work that failed or threw, until they are done', async () => {
    fill(20)
    assert.deepEqual(await step(log, store, options({ work: async () => false })), { steps: 0, ranges: [], succeeded: false })
    await assert.rejects(step(log, store, options({ work: async () => Promise.reject(new Error('mine')) })), /mine/)
    await step(log, store, options({ maxRecords: 1_000, loop: false }))
    await step(log, store, options({ maxRecords: 1_000 }))
    assert.deepEqual(
      steps.map(({ endingOffsets, isReplay }) => [endingOffsets, isReplay]),
      [
        ['{"t":{"0":5,"1":5}}', true],
        ['{"t":{"0":20,"1":20}}', false],
      ],
    )
  })

  it('goes on with untilEnd up to the ends seen at the start', async () => {
    fill(12)
    const work = async (one: Step) => {
      fill(1)
      return steps.push(one) > 0
    }
    const summary = await step(log, store, options({ untilEnd: true, work }))
    assert.equal(summary.steps, 3)
    assert.deepEqual(
      summary.ranges.map(({ untilOffset }) => untilOffset),
      [12, 12],
    )
  })

  it('goes on with loop until it is told to stop, and ends the wait for more then', async () => {
    fill(12)
    const stop = new AbortController()
    const work = async (one: Step) => {
      if (steps.push(one) === 4) setTimeout(() => stop.abort(), 10)
      if (steps.length === 3) setTimeout(() => fill(1), 10)
      return true
    }
    const summary = await step(log, store, options({ loop: true, intervalMs: 20, signal: stop.signal, work }))
    assert.deepEqual([summary.steps, summary.succeeded, summary.ranges.map(({ untilOffset }) => untilOffset)], [4, true, [13, 13]])
  })

  it('is over at once where it is told to stop before it could begin', async () => {
    log.partition('t').loseLeader()
    const stop = new AbortController()
    setTimeout(() => stop.abort(), 20)
    const summary = await step(log, store, options({ signal: stop.signal, secondLookMs: 5 }))
    assert.deepEqual([summary, steps], [{ steps: 0, ranges: [], succeeded: true }, []])
  })

  it('names the group in what it throws', async () => {
    log.createTopic('other')
    await assert.rejects(step(log, store, options({ topics: ['gone'], secondLookMs: 5 })), {
      code: 'TOPIC_NOT_FOUND',
      group: 'g',
      topic: 'gone',
    })
  })
})
