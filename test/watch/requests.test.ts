import assert from 'node:assert/strict'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { systemClock } from '../../src/clock.ts'
import { connect } from '../../src/kafka/connect.ts'
import type { StoreConfig } from '../../src/watch/config.ts'
import type { Round } from '../../src/watch/round.ts'
import { closeSources, openSources } from '../../src/watch/sources.ts'
import { RoundTaker } from '../../src/watch/take-round.ts'
import { servers } from '../cli/servers.ts'
import { requestsOf } from '../kafka/requests.ts'
import { commitRaw } from '../store/kafka-scene.ts'

const MANY = 60

/** How often each request was sent. */
type Counts = Readonly<Record<string, number>>

describe('what a round asks', { timeout: 120_000 }, () => {
  const lab = servers()
  const groups = Array.from({ length: MANY }, (_, index) => `group-${index}`)

  before(async () => {
    await lab().filled('orders', { partitions: MANY, records: 2 })
    await using log = await connect({ bootstrapServers: lab().kafka.bootstrapServers })
    await log.groups?.find('anybody')
    for (const [partition, group] of groups.entries()) {
      await commitRaw(lab().kafka, group, { topic: 'orders', partition, offset: 1n })
      await lab().commit(group, 'orders', partition, '1')
    }
  })

  /** What the second round over these stores asks the brokers: the first one finds out who they are. */
  const countsOf = async (stores: Partial<StoreConfig>[]): Promise<{ counts: Counts; round: Round }> => {
    const sources = await openSources(
      [
        {
          name: 'main',
          bootstrapServers: lab().kafka.bootstrapServers,
          properties: undefined,
          stores: stores.map((store, index) => ({
            name: `s${index}`,
            url: lab().store,
            ledger: join(lab().directory, 'none.db'),
            groups: 'all',
            topics: undefined,
            ...store,
          })),
        },
      ],
      { timeoutMs: 20_000 },
    )
    try {
      const taker = new RoundTaker(sources, { clock: systemClock, hide: (text) => text })
      await taker.take()
      const rounds: Round[] = []
      const sent = await requestsOf(async () => rounds.push(await taker.take()))
      const counts: Record<string, number> = {}
      for (const { name } of sent) counts[name] = (counts[name] ?? 0) + 1
      return { counts, round: rounds[0] as Round }
    } finally {
      await closeSources(sources)
    }
  }

  it('the cluster is asked as often for sixty groups as for one, also where their bare numbers are held against the times of the log', async () => {
    const one = await countsOf([{ groups: ['group-0'] }])
    const all = await countsOf([{ groups }])
    assert.equal(all.round.rows.length, MANY)
    assert.ok(all.round.rows.every(({ verdict }) => verdict === 'valid'))
    assert.deepEqual(all.counts, one.counts)
    const two = await countsOf([{ groups: groups.slice(0, 30) }, { groups: groups.slice(30) }])
    assert.equal(two.round.rows.length, MANY)
    assert.deepEqual(two.counts, one.counts, 'in two stores')
  })

  it('with kafka: one request more for many groups, and two for the list', async () => {
    const one = await countsOf([{ url: 'kafka:', groups: ['group-0'] }])
    const { counts, round } = await countsOf([{ url: 'kafka:' }])
    assert.equal(round.rows.length, MANY)
    const { Metadata: metadata = 0 } = one.counts
    const { OffsetFetch: fetches = 0, ...others } = counts
    assert.deepEqual({ ...others, OffsetFetch: 1 }, { ...one.counts, Metadata: metadata + 1, ListGroups: 2 })
    assert.ok(fetches <= MANY / 10, `${fetches}`)
  })
})
