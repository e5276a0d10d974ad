import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import { positionOf } from '../../src/core/custody.ts'
import type { OffsetRange, Position } from '../../src/core/position.ts'
import { openExternal } from '../../src/external/custody.ts'
import type { External, ExternalOptions } from '../../src/external/options.ts'
import { printRange } from '../../src/job/batch.ts'
import type { Notice } from '../../src/job/notice.ts'
import { openMemory } from '../../src/store/memory.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { MemoryLog } from '../../src/testing/memory-log.ts'

const at = (partition: number, fromOffset: number, untilOffset: number): OffsetRange => ({ topic: 't', partition, fromOffset, untilOffset })

describe('custody of work that other programs do', () => {
  let log: MemoryLog
  let store: Store
  let notices: Notice[]

  beforeEach(async () => {
    log = new MemoryLog()
    log.createTopic('t', 2)
    store = await openStore(await openMemory('memory:'))
    notices = []
    fill(0, 100)
    fill(1, 30)
  })

  function fill(partition: number, count: number): void {
    log.partition('t', partition).append(...Array.from({ length: count }, (_, index) => ({ value: String(index) })))
  }

  function open(more: Partial<ExternalOptions> = {}): Promise<External> {
    return openExternal(log, store, { group: 'g', topics: ['t'], secondLookMs: 5, onNotice: (notice) => notices.push(notice), ...more })
  }

  async function planned(external: External, maxRecords = 20): Promise<string[]> {
    return (await external.plan(maxRecords)).ranges.map(printRange)
  }

  async function stored(partition: number): Promise<Position | undefined> {
    const [custody] = await store.load('g', [{ topic: 't', partition }])
    return custody === undefined ? undefined : positionOf(custody)
  }

  async function offsets(): Promise<(number | undefined)[]> {
    return [(await stored(0))?.offset, (await stored(1))?.offset]
  }

  it('plans a fair share of each partition, and stores it before anything is done', async () => {
    const external = await open()
    assert.deepEqual(await planned(external), ['t-0 [0, 10)', 't-1 [0, 10)'])
    const custody = await store.load('g')
    assert.deepEqual(
      custody.map((one) => one.planned),
      [
        { fromOffset: 0, untilOffset: 10 },
        { fromOffset: 0, untilOffset: 10 },
      ],
    )
    assert.deepEqual(await offsets(), [0, 0])
  })

  it('plans the same again until it is done, whoever comes after a crash, and however much he may do', async () => {
    const external = await open()
    await external.plan(20)
    await external.close()
    fill(0, 50)
    const next = await open()
    const { ranges, isReplay, offsets: size, left } = await next.plan(1_000)
    assert.deepEqual([ranges.map(printRange), isReplay, size, left], [['t-0 [0, 10)', 't-1 [0, 10)'], true, 20, 160])
    await next.done(ranges)
    assert.deepEqual(await planned(next, 1_000), ['t-0 [10, 150)', 't-1 [10, 30)'])
  })

  it('plans again what is left of a plan that was done in part', async () => {
    const external = await open()
    await external.plan(20)
    await external.done([at(0, 0, 4)])
    assert.deepEqual(await planned(external, 1_000), ['t-0 [4, 10)', 't-1 [0, 10)'])
    await external.done([at(0, 4, 6), at(0, 6, 10), at(1, 0, 10)])
    assert.deepEqual(await offsets(), [10, 10])
  })

  it('has nothing to do at the log ends, and stores nothing then', async () => {
    const external = await open()
    await external.done((await external.plan(1_000)).ranges)
    const before = await store.load('g')
    const { offsets: size, left, ranges } = await external.plan(1_000)
    assert.deepEqual([size, left, ranges.map(printRange)], [0, 0, ['t-0 [100, 100)', 't-1 [30, 30)']])
    assert.deepEqual(await store.load('g'), before)
  })

  it('ends at the last stable offset, or at the log end with read_uncommitted', async () => {
    log.partition('t').appendIn(log.partition('t').begin(), { value: 'open' })
    fill(0, 5)
    assert.deepEqual(await planned(await open(), 1_000), ['t-0 [0, 100)', 't-1 [0, 30)'])
    const other = await openExternal(log, store, { group: 'other', topics: ['t'], isolation: 'read_uncommitted' })
    assert.deepEqual(await planned(other, 1_000), ['t-0 [0, 106)', 't-1 [0, 30)'])
  })

  it('ends with untilEnd where the log ended first', async () => {
    const external = await open({ untilEnd: true })
    await external.done((await external.plan(60)).ranges)
    fill(1, 100)
    const { ranges, left } = await external.plan(1_000)
    assert.deepEqual([ranges.map(printRange), left], [['t-0 [30, 100)', 't-1 [30, 30)'], 0])
  })

  it('takes a partition that is new', async () => {
    const external = await open()
    log.addPartitions('t', 1)
    fill(2, 5)
    assert.deepEqual(await planned(external, 30), ['t-0 [0, 13)', 't-1 [0, 12)', 't-2 [0, 5)'])
    log.addPartitions('t', 1)
    fill(3, 5)
    await external.done([at(3, 0, 5)])
    assert.equal((await stored(3))?.offset, 5)
  })

  it('takes all partitions of the topics that are stored, where none is named', async () => {
    await (await open()).close()
    log.addPartitions('t', 1)
    assert.deepEqual(await planned(await open({ topics: undefined })), ['t-0 [0, 10)', 't-1 [0, 10)', 't-2 [0, 0)'])
  })

  describe('refuses what was not due, and saves nothing of the call', () => {
    const cases: readonly (readonly [name: string, ranges: OffsetRange[], message: RegExp])[] = [
      ['a gap', [at(1, 0, 5), at(0, 3, 5)], /t-0 \[3, 5\) .* leaves a gap: the partition stands at 0/],
      ['an overlap', [at(1, 0, 5), at(1, 4, 6)], /t-1 \[4, 6\) .* overlaps what is done: the partition stands at 5/],
      ['a partition of another topic', [{ ...at(0, 0, 5), topic: 'other' }], /other-0 \[0, 5\) .* not work on.*topic other, partition 0/],
      ['a partition that is not there', [at(7, 0, 5)], /t-7 \[0, 5\) .* not work on/],
      ['more than was planned', [at(0, 0, 11)], /t-0 \[0, 11\) .* beyond what was planned, which ends at 10/],
      ['a range that ends before it begins', [at(0, 0, -1)], /t-0 \[0, -1\) .* no range/],
    ]
    for (const [name, ranges, message] of cases) {
      it(name, async () => {
        const external = await open()
        await external.plan(20)
        await assert.rejects(external.done(ranges), (error: Error & { code?: string }) => {
          assert.equal(error.code, 'RANGE_REFUSED')
          assert.match(error.message, message)
          return true
        })
        assert.deepEqual(await offsets(), [0, 0])
      })
    }

    it('more than the log has, without a plan', async () => {
      const external = await open()
      await external.done([at(0, 0, 100)])
      await assert.rejects(external.done([at(0, 100, 101)]), /t-0 \[100, 101\) .* beyond the log end 100/)
      fill(0, 1)
      await external.done([at(0, 100, 101)])
      assert.deepEqual(await offsets(), [101, 0])
    })

    it('work of a topic that was made anew meanwhile, which is reconciled next', async () => {
      const external = await open()
      await external.done([at(0, 0, 50)])
      log.createTopic('t', 2)
      fill(0, 200)
      await assert.rejects(external.done([at(0, 50, 60)]), /made anew: its ID was 0+-/)
      assert.deepEqual(await planned(external), ['t-0 [0, 20)', 't-1 [0, 0)'])
      assert.equal((await store.ledger({ group: 'g' })).at(-1)?.verdict, 'recreated')
    })
  })

  describe('keeps the identity of what was done', () => {
    it('from the epochs that the ranges lie in, never the current leader’s', async () => {
      const external = await open()
      log.partition('t').elect(2)
      fill(0, 10)
      log.partition('t').elect(3)
      await external.done([at(0, 0, 60)])
      const first = await stored(0)
      assert.deepEqual([first?.leaderEpoch, first?.epochs], [0, [{ epoch: 0, startOffset: 0 }]])
      assert.deepEqual([first?.topicId, first?.clusterId], [log.topic('t')?.topicId, 'memory'])
      await external.done([at(0, 60, 110)])
      const second = await stored(0)
      assert.deepEqual(second?.epochs, [
        { epoch: 0, startOffset: 0 },
        { epoch: 1, startOffset: 100 },
      ])
    })

    it('so that a log that is cut is seen, and work goes on where it parts', async () => {
      const external = await open()
      log.partition('t').elect(2)
      fill(0, 20)
      await external.done([at(0, 0, 120)])
      log.partition('t').truncate(100, 3)
      fill(0, 50)
      assert.deepEqual(await planned(external), ['t-0 [100, 110)', 't-1 [0, 10)'])
      assert.equal((await store.ledger({ group: 'g' })).at(-1)?.verdict, 'truncated')
    })

    it('of what was planned, not of what became of the log meanwhile', async () => {
      const external = await open()
      const { ranges } = await external.plan(1_000)
      log.partition('t').truncate(50, 2)
      fill(0, 100)
      await external.done(ranges)
      assert.deepEqual((await stored(0))?.epochs, [{ epoch: 0, startOffset: 0 }])
      assert.deepEqual(await planned(external, 30), ['t-0 [50, 80)', 't-1 [30, 30)'])
    })

    it('and saves the work without it where the cluster can’t be asked', async () => {
      const external = await open()
      const { ranges } = await external.plan(20)
      log.setDown(true)
      await external.done(ranges)
      assert.deepEqual(await offsets(), [10, 10])
      await external.done([at(0, 10, 20)])
      const position = await stored(0)
      assert.deepEqual([position?.offset, position?.leaderEpoch, position?.topicId], [20, undefined, log.topic('t')?.topicId])
    })
  })

  it('moves what expired by the policy, between two plans too', async () => {
    const external = await open()
    await external.done((await external.plan(20)).ranges)
    log.partition('t').expire(40)
    assert.deepEqual(await planned(external), ['t-0 [40, 50)', 't-1 [10, 20)'])
    const rows = await store.ledger({ group: 'g' })
    assert.deepEqual(
      rows.filter(({ verdict }) => verdict === 'expired').map(({ from, to, skipped }) => [from, to, skipped]),
      [[10, 40, 30]],
    )
  })

  it('refuses to begin on what the policy refuses', async () => {
    const external = await open()
    await external.done((await external.plan(20)).ranges)
    await external.close()
    log.partition('t').expire(40)
    await assert.rejects(open({ policy: { expired: 'fail' } }), { code: 'POLICY_FAIL' })
    assert.deepEqual(await offsets(), [10, 10])
  })

  it('waits where the facts are unknown, and says so', async () => {
    await (await open()).close()
    log.partition('t', 1).loseLeader()
    const opening = open()
    await new Promise((resolve) => setTimeout(resolve, 50))
    assert.ok(notices.some(({ kind, text }) => kind === 'waiting' && text.includes('t-1')))
    log.partition('t', 1).elect(1)
    assert.deepEqual(await planned(await opening), ['t-0 [0, 10)', 't-1 [0, 10)'])
  })

  it('ends its waiting when it is told to stop', async () => {
    log.partition('t', 1).loseLeader()
    const stop = new AbortController()
    const opening = open({ signal: stop.signal })
    setTimeout(() => stop.abort('enough'), 50)
    await assert.rejects(opening, (error) => error === 'enough')
  })

  it('is fenced by whoever takes the partitions after it', async () => {
    const first = await open()
    const { ranges } = await first.plan(20)
    const second = await open()
    await assert.rejects(first.done(ranges), { code: 'FENCED', topic: 't', partition: 0 })
    await assert.rejects(first.plan(20), { code: 'FENCED' })
    await second.done((await second.plan(20)).ranges)
    assert.deepEqual(await offsets(), [10, 10])
  })

  it('says whose offset was moved by somebody else, and saves the others', async () => {
    const external = await open()
    const { ranges } = await external.plan(20)
    const [custody] = await store.load('g', [{ topic: 't', partition: 0 }])
    assert.ok(custody !== undefined)
    const { revision, ownerEpoch } = custody
    await store.save('g', [
      { topic: 't', partition: 0, expected: revision, position: { offset: 77 }, ownerEpoch, saveId: 'reset', ledger: [] },
    ])
    await assert.rejects(external.done(ranges), { code: 'OFFSET_CHANGED', topic: 't', partition: 0 })
    assert.deepEqual(await offsets(), [77, 10])
    assert.deepEqual(await planned(external), ['t-0 [77, 87)', 't-1 [10, 20)'])
  })

  describe('with positions that another record gives', () => {
    const given = (partition: number, offset: number) => ({ topic: 't', partition, position: { offset } })

    it('sets the store to them: ahead as progress, back with a row in the ledger', async () => {
      const before = await open()
      await before.done((await before.plan(20)).ranges)
      await before.close()
      const mirror = await open({ topics: undefined, positions: [given(0, 42), given(1, 3)] })
      assert.deepEqual(await offsets(), [42, 3])
      assert.deepEqual(
        (await store.ledger({ group: 'g' }))
          .filter(({ action }) => action === 'mirror')
          .map(({ partition, from, to, reread }) => [partition, from, to, reread]),
        [[1, 10, 3, 7]],
      )
      await mirror.done([at(0, 42, 50), at(1, 3, 4)])
      assert.deepEqual(await offsets(), [50, 4])
    })

    it('keeps what the store knows of a position that is the same', async () => {
      const before = await open()
      await before.done([at(0, 0, 50)])
      await before.close()
      await open({ positions: [given(0, 50)] })
      assert.equal((await stored(0))?.leaderEpoch, 0)
    })

    it('does not set it back to them later', async () => {
      const mirror = await open({ positions: [given(0, 10), given(1, 0)] })
      await mirror.done([at(0, 10, 20)])
      log.addPartitions('t', 1)
      fill(2, 5)
      await mirror.done([at(2, 0, 5), at(0, 20, 30)])
      assert.deepEqual(await offsets(), [30, 0])
    })

    it('moves none of them by itself: what is wrong is told', async () => {
      await assert.rejects(open({ positions: [given(0, 500)] }), { code: 'POLICY_FAIL', topic: 't', partition: 0 })
    })
  })
})
