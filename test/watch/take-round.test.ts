import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Custody } from '../../src/core/custody.ts'
import { TidemarkError } from '../../src/errors.ts'
import type { Log } from '../../src/kafka/log.ts'
import type { Store } from '../../src/store/store.ts'
import type { WatchedSource, WatchedStore } from '../../src/watch/sources.ts'
import { RoundTaker } from '../../src/watch/take-round.ts'
import { Totals } from '../../src/watch/totals.ts'
import { Scripted } from '../verbs/scripted.ts'

/** A store that is asked what the tests tell it to answer. */
class Told {
  /** What is stored by group; a group that is not here has nothing. */
  readonly offsets = new Map<string, number>()
  listed: () => Promise<string[]> = async () => [...this.offsets.keys()]
  readonly loads: string[] = []

  get store(): Store {
    return {
      groups: () => this.listed(),
      load: async (group: string, partitions?: readonly unknown[]) => {
        this.loads.push(group)
        const offset = this.offsets.get(group)
        if (offset === undefined && partitions === undefined) return []
        const stored = offset === undefined ? { state: 'absent' } : { state: 'position', position: { offset } }
        return [{ topic: 't', partition: 0, stored, ownerEpoch: 0, revision: '1' } as Custody]
      },
      ledger: async () => [],
      countMembers: async () => new Map([['a', 2]]),
    } as unknown as Store
  }
}

function takerOf(told: Told, groups: readonly string[] | 'all' = 'all') {
  const { log, clock } = new Scripted({})
  const withTopics = { ...log, topics: async () => [] } as unknown as Log
  const config = { name: 'one', url: 'memory:', ledger: undefined, groups, topics: undefined }
  const store: WatchedStore = { config, totals: new Totals({ cluster: 'main', store: 'one' }), open: async () => told.store }
  const cluster = { name: 'main', bootstrapServers: 'h:1', properties: undefined, stores: [config] }
  const source: WatchedSource = { config: cluster, log: withTopics, stores: [store], [Symbol.asyncDispose]: async () => {} }
  return new RoundTaker([source], { clock, hide: (text) => text.replace('hunter2', '***') })
}

describe('a round', () => {
  it('asks once more about a group that the store lists no more, before it is forgotten', async () => {
    const told = new Told()
    told.offsets.set('a', 50)
    const taker = takerOf(told)
    const first = await taker.take()
    assert.deepEqual([first.rows.length, first.groups], [1, [{ cluster: 'main', store: 'one', group: 'a', members: 2 }]])
    told.listed = async () => []
    assert.deepEqual(
      (await taker.take()).rows.map(({ group, verdict }) => [group, verdict]),
      [['a', 'valid']],
      'a list without it proves nothing',
    )
    told.offsets.clear()
    assert.deepEqual((await taker.take()).rows, [])
    told.loads.length = 0
    await taker.take()
    assert.deepEqual(told.loads, [], 'forgotten')
  })

  it('remembers of a group that is named what was stored, and calls it lost', async () => {
    const told = new Told()
    told.offsets.set('a', 50)
    const taker = takerOf(told, ['a', 'new'])
    await taker.take()
    told.offsets.clear()
    const { rows } = await taker.take()
    assert.deepEqual(
      rows.map(({ group, verdict }) => [group, verdict]),
      [['a', 'lost']],
    )
  })

  it('shows the groups of a store that can’t list them as unknown, with the code and without secrets', async () => {
    const told = new Told()
    told.offsets.set('a', 50)
    const taker = takerOf(told)
    await taker.take()
    told.listed = () => Promise.reject(new TidemarkError('STORE_DENIED', 'refused hunter2'))
    const { rows, failures, groups } = await taker.take()
    assert.deepEqual(failures, [{ cluster: 'main', store: 'one', group: null, code: 'STORE_DENIED', message: 'refused ***' }])
    assert.deepEqual(
      [rows[0]?.verdict, rows[0]?.committedOffset, rows[0]?.evidence, groups],
      ['unknown', null, ['STORE_DENIED: refused ***'], []],
    )
    told.listed = async () => ['a']
    assert.equal((await taker.take()).rows[0]?.verdict, 'valid')
  })

  it('says of a ledger that can’t be read so, and goes on', async () => {
    const told = new Told()
    told.offsets.set('a', 50)
    const taker = takerOf(told)
    const { store } = told
    Object.defineProperty(told, 'store', { value: { ...store, ledger: () => Promise.reject(new TidemarkError('STORE_CORRUPT', 'torn')) } })
    const { rows, ledgerFailures } = await taker.take()
    assert.deepEqual([rows.length, ledgerFailures.map(({ code }) => code)], [1, ['STORE_CORRUPT']])
  })
})
