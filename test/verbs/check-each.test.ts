import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { waitFor } from '../../lab/wait.ts'
import { TidemarkError } from '../../src/errors.ts'
import type { Log, TimeQuestion } from '../../src/kafka/log.ts'
import type { Store } from '../../src/store/store.ts'
import type { CheckRow } from '../../src/verbs/check.ts'
import { checkEach } from '../../src/verbs/check-each.ts'
import { timesTogether } from '../../src/verbs/times-together.ts'
import { Scripted } from './scripted.ts'

type Loads = Pick<Store, 'load'>

describe('checking groups of several stores', () => {
  it('a store that is slow does not keep the others’ questions from being asked', async () => {
    const { asked, clock, log, store } = new Scripted({ stored: { 't-0': [{ state: 'position', position: { offset: 50 } }] } })
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    const slow: Loads = {
      load: async (group, partitions) => {
        await released
        return store.load(group, partitions)
      },
    }
    const groups = [
      { store, group: 'quick', clock },
      { store: slow, group: 'late', clock },
    ]
    const checking = checkEach(log, groups, { patienceMs: 20 })
    await waitFor('the first question', () => asked.includes('facts'))
    release()
    const found = await checking
    assert.deepEqual(
      found.map((rows) => (rows instanceof Error ? rows.code : rows.map(({ group, verdict }) => [group, verdict]))),
      [[['quick', 'valid']], [['late', 'valid']]],
    )
    assert.equal(asked.filter((question) => question === 'facts').length, 2)
  })

  it('a store that is out of reach is not asked about each of its groups', async () => {
    const { clock, log } = new Scripted({})
    let loads = 0
    const away: Loads = {
      load: async () => {
        loads++
        throw new TidemarkError('STORE_UNREACHABLE', 'no answer')
      },
    }
    const groups = Array.from({ length: 500 }, (_, index) => ({ store: away, group: `group-${index}`, clock }))
    const found = await checkEach(log, groups)
    assert.ok(loads < 50, `${loads}`)
    assert.ok(
      found.every((one, index) => one instanceof TidemarkError && one.code === 'STORE_UNREACHABLE' && one.group === `group-${index}`),
    )
  })

  it('a verdict that lasts is not looked at a second time: the earlier examination was the first look', async () => {
    const script = { stored: { 't-0': [{ state: 'position', position: { offset: 150 } }] } } as const
    const fresh = new Scripted(script)
    await checkEach(fresh.log, [{ store: fresh.store, group: 'g', clock: fresh.clock }])
    assert.ok(fresh.asked.includes('sleep 2000'))
    const lasting = new Scripted(script)
    const [rows] = await checkEach(lasting.log, [
      { store: lasting.store, group: 'g', clock: lasting.clock, before: new Map([['t-0', 'ahead']]) },
    ])
    assert.deepEqual([(rows as readonly CheckRow[])[0]?.verdict, lasting.asked], ['ahead', ['load', 'facts']])
    const other = new Scripted(script)
    await checkEach(other.log, [{ store: other.store, group: 'g', clock: other.clock, before: new Map([['t-0', 'valid']]) }])
    assert.ok(other.asked.includes('sleep 2000'), 'a new one is')
  })
})

describe('offsets at times, asked together', () => {
  it('what is asked in one turn is one question, and everybody gets their own answers', async () => {
    const asked: TimeQuestion[][] = []
    const offsetsAt = timesTogether({
      offsetsAt: async (questions: readonly TimeQuestion[]) => {
        asked.push([...questions])
        return questions.map(({ topic, partition, timestamp }) => ({ state: 'known', topic, partition, offset: timestamp * 10 }))
      },
    } as unknown as Log)
    const [one, two] = await Promise.all([
      offsetsAt([
        { topic: 'a', partition: 0, timestamp: 1 },
        { topic: 'a', partition: 1, timestamp: 2 },
      ]),
      offsetsAt([{ topic: 'b', partition: 0, timestamp: 3 }]),
    ])
    assert.deepEqual(
      [one.map((answer) => 'offset' in answer && answer.offset), two.map((answer) => 'offset' in answer && answer.offset), asked.length],
      [[10, 20], [30], 1],
    )
    await offsetsAt([])
    assert.equal(asked.length, 2)
  })

  it('where that fails it fails for all who asked', async () => {
    const offsetsAt = timesTogether({ offsetsAt: () => Promise.reject(new TidemarkError('KAFKA_UNREACHABLE', 'away')) } as unknown as Log)
    const outcomes = await Promise.allSettled([offsetsAt([]), offsetsAt([])])
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['rejected', 'rejected'],
    )
  })
})
