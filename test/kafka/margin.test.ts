import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, describe, it } from 'node:test'
import { LabAdmin } from '../../lab/admin.ts'
import { startKafka, type KafkaCluster } from '../../lab/kafka.ts'
import { waitFor } from '../../lab/wait.ts'
import type { Margin } from '../../src/core/margin.ts'
import { connect } from '../../src/kafka/connect.ts'
import type { Log } from '../../src/kafka/log.ts'
import { readMargins } from '../../src/verbs/margin.ts'
import { requestsOf } from './requests.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** What a real broker's retention does, beside what was said that it can do. The lab's brokers clean five times a second. */
describe('margins on a real broker', { timeout: 180_000 }, () => {
  let kafka: KafkaCluster
  let admin: LabAdmin
  let log: Log

  before(async () => {
    kafka = await startKafka()
    admin = new LabAdmin(kafka.bootstrapServers)
    log = await connect({ bootstrapServers: kafka.bootstrapServers })
  })

  after(async () => {
    await log?.close()
    await admin?.close()
    await kafka?.close()
  })

  const marginAt = async (topic: string, offset: number, now = Date.now(), partition = 0): Promise<Margin> => {
    const { start, end } = await admin.offsets(topic, partition)
    const [margin] = await readMargins(log, [{ topic, partition, offset, logStartOffset: start, logEndOffset: end }], { now })
    return margin as Margin
  }

  /** One record each, a batch and so a segment of its own where `segment.ms` is less than what lies between. */
  const produce = async (topic: string, times: readonly number[], value = 'x', partition = 0): Promise<void> => {
    for (const timestamp of times) await admin.produce([{ topic, partition, value, timestamp }])
  }

  /** When the log start was first seen beyond an offset, or at it. */
  const passes = (topic: string, offset: number): Promise<number> =>
    waitFor(`retention to pass ${offset}`, async () => (await admin.offsets(topic, 0)).start > offset && Date.now())

  it('by time: the broker does not pass the offset before, and does after', async () => {
    await admin.createTopic('timely', { configs: { 'retention.ms': hour, 'segment.ms': 1_000 } })
    const made = Date.now() - hour
    // Times out of order: what is read already may be later than what is not.
    await produce('timely', [made + 4_000, made + 9_000, made + 5_000, made + 6_000, made + 30 * minute])
    const now = Date.now()
    const margin = await marginAt('timely', 2, now)
    assert.equal(margin.notBeforeMs, made + 9_000 + hour - now, 'the record before it holds it')
    assert.ok((await passes('timely', 2)) >= made + 9_000 + hour)
  })

  it('by time: the active segment goes too, and holds what was written with it', async () => {
    await admin.createTopic('active', { configs: { 'retention.ms': hour } })
    const made = Date.now() - hour
    await produce('active', [made + 2_000, made + 4_000])
    const now = Date.now()
    const margin = await marginAt('active', 0, now)
    assert.deepEqual([margin.oldestUnreadAt, margin.notBeforeMs], [made + 2_000, Math.max(0, made + 2_000 + hour - now)])
    assert.ok((await passes('active', 0)) >= made + 4_000 + hour)
    assert.equal((await marginAt('active', 2)).notBeforeMs, 'never', 'nothing is unread')
  })

  it('by size: the broker does not pass the offset before as much was written', async () => {
    const retentionBytes = 20_000
    await admin.createTopic('sized', { configs: { 'retention.ms': -1, 'retention.bytes': retentionBytes, 'segment.ms': 1_000 } })
    const began = Date.now() - day
    const value = 'x'.repeat(930) // 1,000 bytes with its batch's header
    let records = 0
    const produceOne = async (): Promise<number> => {
      const at = began + records++ * minute
      await produce('sized', [at], value)
      return at
    }
    for (let count = 0; count < 15; count++) await produceOne()
    const now = began + (records - 1) * minute
    const margin = await marginAt('sized', 5, now)
    assert.ok(typeof margin.bySizeMs === 'number' && margin.bySizeMs > 5 * minute && margin.bySizeMs < 15 * minute, String(margin.bySizeMs))
    assert.deepEqual([margin.byTimeMs, margin.notBeforeMs], ['never', margin.bySizeMs])
    for (;;) {
      const at = await produceOne()
      await sleep(600)
      if ((await admin.offsets('sized', 0)).start <= 5) continue
      assert.ok(at - now >= margin.bySizeMs, `${at - now} ms of records, and not before ${margin.bySizeMs}`)
      break
    }
  })

  it('are never of what nothing removes', async () => {
    await admin.createTopic('compacted', { configs: { 'cleanup.policy': 'compact' } })
    await admin.createTopic('unlimited', { configs: { 'retention.ms': -1 } })
    for (const topic of ['compacted', 'unlimited'])
      await admin.produce([{ topic, partition: 0, key: 'k', value: 'x', timestamp: Date.now() - 400 * day }])
    const compacted = await marginAt('compacted', 0)
    assert.equal(compacted.notBeforeMs, 'never')
    assert.match(compacted.evidence.join('; '), /cleanup.policy compact: retention removes nothing; .* 400 d old/)
    const unlimited = await marginAt('unlimited', 0)
    assert.equal(unlimited.notBeforeMs, 'never')
    assert.match(unlimited.evidence.join('; '), /retention.ms is unlimited/)
  })

  it('are not known of what is not there', async () => {
    const [gone] = await readMargins(log, [{ topic: 'gone', partition: 0, offset: 0, logStartOffset: 0, logEndOffset: 9 }], {
      now: Date.now(),
    })
    assert.equal(gone?.notBeforeMs, null)
    assert.match(gone?.evidence.join() ?? '', /retention not known: UNKNOWN_TOPIC_OR_PARTITION/)
  })

  it('find the record among many, in any of several groups, whatever its neighbours claim', async () => {
    await admin.createTopic('many', { configs: { 'retention.ms': 30 * day } })
    const now = Date.now()
    const times = Array.from({ length: 2_000 }, (_, index) => now - 20 * day + (index < 1_500 ? index * 10 : 10 * day + index * minute))
    await admin.produce(times.map((timestamp) => ({ topic: 'many', partition: 0, value: 'x', timestamp })))
    const offsets = [0, 700, 1_499, 1_500, 1_501, 1_999]
    const questions = offsets.map((offset) => ({ topic: 'many', partition: 0, offset, logStartOffset: 0, logEndOffset: 2_000 }))
    const margins = await readMargins(log, questions, { now })
    for (const [index, { notBeforeMs, ageMs, offset }] of margins.entries()) {
      const exact = (times[offset] as number) + 30 * day - now
      assert.equal(offset, offsets[index])
      assert.ok(typeof notBeforeMs === 'number' && notBeforeMs <= exact, `${notBeforeMs} of ${exact}`)
      assert.ok(exact - notBeforeMs <= Math.max(1_000, (ageMs ?? 0) / 100), `${exact - notBeforeMs} ms off at ${offset}`)
    }
  })

  it('ask about records only once, as long as neither they nor the offset change', async () => {
    await admin.createTopic('watched')
    const now = Date.now()
    const times = Array.from({ length: 500 }, (_, index) => now - 5 * day + index ** 2 * 1_000)
    await admin.produce(times.map((timestamp) => ({ topic: 'watched', partition: 0, value: 'x', timestamp })))
    const question = { topic: 'watched', partition: 0, offset: 300, logStartOffset: 0, logEndOffset: 500 }
    const first: Margin[] = []
    const again: Margin[] = []
    const asked = await requestsOf(async () => first.push(...(await readMargins(log, [question], { now }))))
    const askedAgain = await requestsOf(async () => again.push(...(await readMargins(log, [question], { now }))))
    assert.deepEqual(again, first)
    assert.ok(asked.filter(({ name }) => name === 'ListOffsets').length > 2)
    assert.deepEqual(
      askedAgain.map(({ name }) => name),
      ['Metadata', 'DescribeConfigs', 'Metadata'],
    )
  })

  it('come in as many requests whatever the number of partitions', async () => {
    await admin.createTopic('broad', { partitions: 100, configs: { 'retention.ms': day, 'retention.bytes': 1_000_000 } })
    const now = Date.now()
    const records = Array.from({ length: 100 }, (_, partition) =>
      [3, 2, 1].map((hours) => ({ topic: 'broad', partition, value: 'x', timestamp: now - hours * hour })),
    )
    await admin.produce(records.flat())
    const requestsFor = async (count: number): Promise<string[]> => {
      const questions = Array.from({ length: count }, (_, partition) => ({
        topic: 'broad',
        partition,
        offset: 1,
        logStartOffset: 0,
        logEndOffset: 3,
      }))
      return (await requestsOf(() => readMargins(log, questions, { now }))).map(({ name }) => name)
    }
    const one = await requestsFor(1)
    assert.deepEqual(await requestsFor(100), one)
    assert.deepEqual(one.slice(0, 3), ['Metadata', 'DescribeConfigs', 'DescribeLogDirs'])
    assert.deepEqual(one.at(-1), 'Metadata')
    assert.ok(one.length < 20, one.join())
  })

  it('ask a normal topic for its local start, and are given its log start', async () => {
    const { EARLIEST_LOCAL, askOffsets } = await import('../../src/kafka/offsets.ts')
    const { Cluster } = await import('../../src/kafka/cluster.ts')
    const { visitLeaders } = await import('../../src/kafka/leaders.ts')
    const { Roster } = await import('../../src/kafka/roster.ts')
    await admin.createTopic('local')
    await admin.produce([1, 2, 3].map((value) => ({ topic: 'local', partition: 0, value: String(value) })))
    await admin.deleteRecords('local', 0, 2)
    const cluster = new Cluster({
      bootstrapServers: [{ host: '127.0.0.1', port: kafka.broker().port }],
      clientId: 'test',
      timeoutMs: 10_000,
    })
    const [found] = await visitLeaders(
      cluster,
      [{ topic: 'local', partition: 0 }],
      async (send, stops) => (await askOffsets(send, new Roster(stops), () => EARLIEST_LOCAL)).map((offset) => ({ offset })),
      {},
    )
    assert.deepEqual(found?.state === 'reached' && found.value, { offset: 2 })
    cluster.close()
  })
})
