import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { LabAdmin, type LabRecord } from '../../lab/admin.ts'
import { startKafka, type KafkaCluster } from '../../lab/kafka.ts'
import { waitFor } from '../../lab/wait.ts'
import { parseAddresses } from '../../src/kafka/address.ts'
import { Cluster } from '../../src/kafka/cluster.ts'
import type { Dispute, Isolation, KafkaRecord, LogReader, Slice } from '../../src/kafka/log.ts'
import { openReader } from '../../src/kafka/reader.ts'

const LIMITS = { maxRecords: 10_000, maxBytes: 16 * 1024 * 1024, maxWaitMs: 250 }

describe('the reader', () => {
  let kafka: KafkaCluster
  let admin: LabAdmin
  let cluster: Cluster

  before(async () => {
    kafka = await startKafka({ properties: { 'log.cleaner.backoff.ms': 100, 'log.retention.check.interval.ms': 300_000 } })
    admin = new LabAdmin(kafka.bootstrapServers)
    cluster = new Cluster({ clientId: 'test', bootstrapServers: parseAddresses(kafka.bootstrapServers), timeoutMs: 30_000 })
  })
  after(async () => {
    cluster.close()
    await admin.close()
    await kafka.close()
  })

  /** Reads one partition from an offset to an end. */
  async function readAll(
    topic: string,
    topicId: string,
    {
      from = 0,
      until,
      isolation = 'read_committed',
      maxRecords = 10_000,
    }: { from?: number; until: number; isolation?: Isolation; maxRecords?: number },
  ): Promise<Slice[]> {
    const reader = openReader(cluster, { isolation, maxBufferedBytes: 1024 * 1024 })
    reader.assign({ topic, partition: 0, topicId, offset: from })
    const slices: Slice[] = []
    try {
      for (let at = from; at < until;) {
        const taken = await reader.take({ ...LIMITS, maxRecords, until: new Map([[`${topic}-0`, until]]) })
        assert.deepEqual(taken.disputes, [])
        for (const slice of taken.slices) {
          assert.equal(slice.fromOffset, at, 'each slice begins where the last one ended')
          assert.equal([...slice.records].length, slice.recordCount)
          at = slice.untilOffset
          slices.push(slice)
        }
      }
    } finally {
      await reader.close()
    }
    return slices
  }

  function texts(slices: readonly Slice[]): string[] {
    return slices.flatMap(({ records }) => [...records].map(({ offset, value }) => `${offset} ${value}`))
  }

  it('gives every field of every record back, with no compression and with each of the four codecs', async () => {
    const topicId = await admin.createTopic('codecs')
    const sent: LabRecord[] = []
    for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
      const records = Array.from({ length: 40 }, (_, index): LabRecord => ({
        topic: 'codecs',
        partition: 0,
        value: index === 7 ? null : `${compression} ${index} ${'ü'.repeat(index * 3)}`,
        headers: index % 2 === 0 ? { codec: compression, empty: '' } : {},
        timestamp: 1_700_000_000_000 + sent.length + index * (index % 3 === 0 ? -50_000_000 : 50_000_000),
        ...(index % 5 === 0 ? {} : { key: `k${index}` }),
      }))
      await admin.produce(records, { compression })
      sent.push(...records)
    }
    const read: KafkaRecord[] = (await readAll('codecs', topicId, { until: sent.length })).flatMap(({ records }) => [...records])
    assert.equal(read.length, sent.length)
    for (const [index, record] of read.entries()) {
      const expected = sent[index] as LabRecord
      assert.equal(record.offset, index)
      assert.equal(record.value?.toString() ?? null, expected.value)
      assert.equal(record.key?.toString(), expected.key)
      assert.equal(record.timestamp, expected.timestamp)
      assert.deepEqual(Object.fromEntries(record.headers.map(([name, value]) => [name, value?.toString()])), expected.headers)
    }
  })

  it('begins in the middle of a batch, and cuts batches at the limit of records, without a loss or a second one', async () => {
    const topicId = await admin.createTopic('middle')
    await admin.produce(
      Array.from({ length: 100 }, (_, index) => ({ topic: 'middle', partition: 0, value: `v${index}` })),
      { compression: 'lz4' },
    )
    const slices = await readAll('middle', topicId, { from: 37, until: 93, maxRecords: 10 })
    assert.deepEqual(
      texts(slices),
      Array.from({ length: 56 }, (_, index) => `${37 + index} v${37 + index}`),
    )
    assert.ok(slices.every(({ recordCount }) => recordCount <= 10))
  })

  it('hides the records of aborted transactions under read_committed, and moves past their markers', async () => {
    const topicId = await admin.createTopic('transactions')
    const one = (value: string): LabRecord[] => [{ topic: 'transactions', partition: 0, value }]
    await admin.transact('a', one('aborted 1'), 'abort')
    await admin.transact('b', one('committed'), 'commit')
    await admin.produce(one('plain'))
    await admin.transact('a', one('aborted 2'), 'abort')
    const { end } = await admin.offsets('transactions', 0)
    const committed = await readAll('transactions', topicId, { until: end })
    assert.deepEqual(
      texts(committed).map((text) => text.replace(/^\d+ /, '')),
      ['committed', 'plain'],
    )
    assert.equal(committed.at(-1)?.untilOffset, end, 'the position moves to the end although the last record is hidden')
    const all = await readAll('transactions', topicId, { until: end, isolation: 'read_uncommitted' })
    assert.deepEqual(
      texts(all).map((text) => text.replace(/^\d+ /, '')),
      ['aborted 1', 'committed', 'plain', 'aborted 2'],
    )
  })

  it('does not read beyond an open transaction under read_committed', async () => {
    const topicId = await admin.createTopic('open')
    await admin.produce([{ topic: 'open', partition: 0, value: 'before' }])
    await admin.transact('open', [{ topic: 'open', partition: 0, value: 'undecided' }], 'leave open')
    await admin.produce([{ topic: 'open', partition: 0, value: 'after' }])
    const reader = openReader(cluster, { isolation: 'read_committed', maxBufferedBytes: 1024 * 1024 })
    reader.assign({ topic: 'open', partition: 0, topicId, offset: 0 })
    assert.deepEqual(texts((await reader.take({ ...LIMITS, maxWaitMs: 10_000 })).slices), ['0 before'])
    assert.deepEqual((await reader.take({ ...LIMITS, maxWaitMs: 1_500 })).slices, [])
    await reader.close()
  })

  it('reads a compacted log: offsets with gaps, ranges without', async () => {
    const topicId = await admin.createTopic('compacted', {
      configs: {
        'cleanup.policy': 'compact',
        'segment.bytes': 1024 * 1024,
        'segment.ms': 100,
        'min.cleanable.dirty.ratio': 0.01,
        'delete.retention.ms': 0,
      },
    })
    for (let round = 0; round < 5; round++) {
      await admin.produce(
        Array.from({ length: 20 }, (_, index) => ({ topic: 'compacted', partition: 0, key: `k${index % 4}`, value: `${round}.${index}` })),
      )
      await new Promise((resolve) => setTimeout(resolve, 150)) // so that the segment is old enough to be rolled by the next record
    }
    await admin.produce([{ topic: 'compacted', partition: 0, key: 'last', value: 'last' }])
    const { end } = await admin.offsets('compacted', 0)
    const slices = await waitFor('the log to be compacted', async () => {
      const read = await readAll('compacted', topicId, { until: end })
      return texts(read).length < 60 && read
    })
    const values = texts(slices)
    assert.equal(values.at(-1), `${end - 1} last`)
    assert.ok(values.includes('96 4.16') && values.includes('99 4.19'), 'the newest record of each key is there')
    assert.equal(slices.at(-1)?.untilOffset, end)
    assert.deepEqual(
      texts(await readAll('compacted', topicId, { from: 5, until: 50 })).filter((text) => Number(text.split(' ')[0]) >= 50),
      [],
      'a range that ends in a gap',
    )
  })

  it('hands out exactly the ranges that were planned, however they were cut before', async () => {
    const topicId = await admin.createTopic('ranges', { partitions: 2 })
    for (const partition of [0, 1])
      await admin.produce(Array.from({ length: 50 }, (_, index) => ({ topic: 'ranges', partition, value: `${partition}.${index}` })))
    const reader = openReader(cluster, { isolation: 'read_committed', maxBufferedBytes: 1024 * 1024 })
    for (const partition of [0, 1]) reader.assign({ topic: 'ranges', partition, topicId, offset: 10 })
    const { slices } = await reader.takeRanges([
      { topic: 'ranges', partition: 0, fromOffset: 10, untilOffset: 23 },
      { topic: 'ranges', partition: 1, fromOffset: 10, untilOffset: 11 },
    ])
    assert.deepEqual(
      slices.map(({ partition, fromOffset, untilOffset, recordCount }) => [partition, fromOffset, untilOffset, recordCount]),
      [
        [0, 10, 23, 13],
        [1, 10, 11, 1],
      ],
    )
    await reader.close()
  })

  async function disputeOf(reader: LogReader): Promise<Dispute> {
    return waitFor('a dispute', async () => (await reader.take(LIMITS)).disputes[0])
  }

  it('disputes an offset that the log does not have, instead of resetting it', async () => {
    const topicId = await admin.createTopic('range')
    await admin.produce(Array.from({ length: 10 }, () => ({ topic: 'range', partition: 0, value: 'v' })))
    await admin.deleteRecords('range', 0, 8)
    const reader = openReader(cluster, { isolation: 'read_committed', maxBufferedBytes: 1024 * 1024 })
    reader.assign({ topic: 'range', partition: 0, topicId, offset: 3 })
    assert.equal((await disputeOf(reader)).reason, 'OFFSET_OUT_OF_RANGE')
    await reader.close()
  })

  it('disputes a topic that was deleted and made anew while it was read', async () => {
    const topicId = await admin.createTopic('again')
    await admin.produce([{ topic: 'again', partition: 0, value: 'old' }])
    const reader = openReader(cluster, { isolation: 'read_committed', maxBufferedBytes: 1024 * 1024 })
    reader.assign({ topic: 'again', partition: 0, topicId, offset: 0 })
    assert.deepEqual(texts((await reader.take({ ...LIMITS, maxWaitMs: 10_000 })).slices), ['0 old'])
    await admin.recreateTopic('again')
    await admin.produce([
      { topic: 'again', partition: 0, value: 'new' },
      { topic: 'again', partition: 0, value: 'new' },
    ])
    assert.match((await disputeOf(reader)).reason, /TOPIC_ID_CHANGED|UNKNOWN_TOPIC_OR_PARTITION/)
    await reader.close()
  })

  it('goes on by itself after the broker was away, and says what it waits for meanwhile', async () => {
    const topicId = await admin.createTopic('away')
    await admin.produce([{ topic: 'away', partition: 0, value: 'before' }])
    const reader = openReader(cluster, { isolation: 'read_committed', maxBufferedBytes: 1024 * 1024 })
    reader.assign({ topic: 'away', partition: 0, topicId, offset: 0 })
    assert.deepEqual(texts((await reader.take({ ...LIMITS, maxWaitMs: 10_000 })).slices), ['0 before'])
    await kafka.broker().kill()
    const waiting = await waitFor('the reader to say what it waits for', async () => (await reader.take(LIMITS)).waiting[0])
    assert.deepEqual([waiting.topic, waiting.partition], ['away', 0])
    await kafka.broker().start()
    await admin.produce([{ topic: 'away', partition: 0, value: 'after' }])
    const slices = await waitFor('the next record', async () => {
      const taken = await reader.take(LIMITS)
      assert.deepEqual(taken.disputes, [])
      return taken.slices.length > 0 && taken.slices
    })
    assert.deepEqual(texts(slices), ['1 after'])
    await reader.close()
  })

  it('finds a byte that was changed on the broker’s disk by its CRC, and hands out nothing of that batch', async () => {
    const topicId = await admin.createTopic('rotten')
    await admin.produce([{ topic: 'rotten', partition: 0, value: 'a value to damage' }])
    await kafka.broker().stop()
    damage(kafka.broker().dataDir, 'a value to damage')
    await kafka.broker().start()
    const reader = openReader(cluster, { isolation: 'read_committed', maxBufferedBytes: 1024 * 1024 })
    reader.assign({ topic: 'rotten', partition: 0, topicId, offset: 0 })
    const dispute = await disputeOf(reader)
    assert.equal(dispute.reason, 'RECORD_CORRUPT')
    assert.match(dispute.detail, /offset 0 .*CRC32C/)
    await reader.close()
  })
})

/** Changes one byte of a text in the segments of topic `rotten`. */
function damage(dataDir: string, text: string): void {
  const files = readdirSync(dataDir, { recursive: true, encoding: 'utf8' }).filter((path) => /rotten-0\/\d+\.log$/.test(path))
  assert.equal(files.length, 1)
  const path = join(dataDir, files[0] as string)
  const bytes = readFileSync(path)
  const at = bytes.indexOf(text)
  assert.ok(at > 0)
  bytes[at] = bytes[at] === 0x41 ? 0x42 : 0x41
  writeFileSync(path, bytes)
}
