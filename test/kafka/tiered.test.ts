import assert from 'node:assert/strict'
import { readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { Admin } from '@platformatic/kafka'
import { LabAdmin } from '../../lab/admin.ts'
import { temporaryFolder } from '../../lab/java.ts'
import { startKafka, type KafkaCluster } from '../../lab/kafka.ts'
import { tieredTo } from '../../lab/tiered.ts'
import { waitFor } from '../../lab/wait.ts'
import { check, connect, explain, openStore, repair, reset, run, type Log, type Notice, type Store } from '../../src/index.ts'

const minute = 60_000
const hour = 60 * minute

/** ListOffsets: where what is on the leader's own disk starts. */
const EARLIEST_LOCAL = -4n

/** A real broker that moves segments to remote storage, and removes them from its disk. */
describe('tiered topics', { timeout: 180_000, concurrency: true }, () => {
  const remote = temporaryFolder('remote')
  let kafka: KafkaCluster
  let admin: LabAdmin
  let kafkaAdmin: Admin
  let log: Log
  let store: Store

  before(async () => {
    kafka = await startKafka({ properties: await tieredTo(remote) })
    admin = new LabAdmin(kafka.bootstrapServers)
    kafkaAdmin = new Admin({ clientId: 'test', bootstrapBrokers: [kafka.bootstrapServers], retries: 5 })
    log = await connect({ bootstrapServers: kafka.bootstrapServers })
    store = await openStore('memory:')
  })

  after(async () => {
    await store?.close()
    await log?.close()
    await kafkaAdmin?.close()
    await admin?.close()
    await kafka?.close()
    rmSync(remote, { recursive: true })
  })

  /** Makes a topic with records of these ages, each in a segment of its own, and says their times. Those older than 10 minutes leave the disk. */
  const fill = async (topic: string, retention: Record<string, number>, ages: readonly number[]): Promise<number[]> => {
    const local = { 'remote.storage.enable': true, 'segment.ms': 1_000, 'local.retention.ms': 10 * minute }
    await admin.createTopic(topic, { configs: { ...local, ...retention } })
    const now = Date.now()
    const times = ages.map((age) => now - age)
    for (const timestamp of times) await admin.produce([{ topic, partition: 0, value: 'x'.repeat(930), timestamp }])
    return times
  }

  const isOnDiskFrom = (topic: string, offset: number): Promise<boolean> =>
    waitFor(`the log on the disk to start at ${offset}`, async () => {
      const partitions = [{ partitionIndex: 0, timestamp: EARLIEST_LOCAL }]
      const [listed] = await kafkaAdmin.listOffsets({ topics: [{ name: topic, partitions }] })
      return listed?.partitions[0]?.offset === BigInt(offset)
    })

  /** The group stands at an offset. */
  const stand = (topic: string, offset: number) =>
    reset(log, store, { group: topic, topics: [topic], target: { kind: 'to-offset', offset }, execute: true })

  /** When retention can pass the group's offset, at the earliest. A broker that has just come to lead the partition has yet to hear what is in remote storage (REPLICA_NOT_AVAILABLE). */
  const marginOf = (topic: string): Promise<number> =>
    waitFor('the margin', async () => {
      const asked = Date.now()
      const { margin } = await explain(log, store, { group: topic, topic, partition: 0 })
      return typeof margin?.notBeforeMs === 'number' && asked + margin.notBeforeMs
    })

  /** What a job reads that goes on from there. */
  const read = async (topic: string, onNotice?: (notice: Notice) => void): Promise<number[]> => {
    const offsets: number[] = []
    const handler = ({ records }: { readonly records: Iterable<{ readonly offset: number }> }): void => {
      for (const { offset } of records) offsets.push(offset)
    }
    await run(log, store, { group: topic, topics: [topic], untilEnd: true, handler, onNotice })
    return offsets
  }

  it('an offset whose records are in remote storage alone is valid, its margin is that of remote storage, and it is read on', async () => {
    const topic = 'kept'
    const ages = [30, 29, 28, 27, 26, 25, 24, 23, 22, 3, 2, 1].map((minutes) => minutes * minute)
    const times = await fill(topic, { 'retention.ms': 24 * hour, 'retention.bytes': 1_000_000 }, ages)
    await isOnDiskFrom(topic, 9)
    assert.deepEqual(await admin.offsets(topic, 0), { start: 0, end: 12 })

    await stand(topic, 5)
    await marginOf(topic)
    const [row] = await check(log, store, { group: topic })
    assert.deepEqual([row?.verdict, row?.evidence], ['valid', ['the offset 5 lies within the log, 0 to 12']])
    const explained = await explain(log, store, { group: topic, topic, partition: 0 })
    assert.equal(explained.verdict, 'valid')
    const { margin } = explained
    assert.ok(margin !== null)
    assert.equal(margin.oldestUnreadAt, times[5])
    assert.ok(typeof margin.byTimeMs === 'number' && margin.byTimeMs > 23 * hour, 'the time on the disk does not count')
    assert.ok(margin.evidence.includes('the records from the offset to 8 are in remote storage alone (local log start 9)'))
    const bytes = Number(/about (\d+) bytes from the offset on/.exec(margin.evidence.join('; '))?.[1])
    assert.ok(bytes > 7 * 930 && bytes < 7 * 1_030, `${bytes} bytes, of 7 records`)

    await stand(topic, 10)
    await marginOf(topic)
    const near = await explain(log, store, { group: topic, topic, partition: 0 })
    assert.ok(near.margin?.evidence.includes('tiered: local log start 9'), JSON.stringify(near))

    await stand(topic, 5)
    assert.deepEqual(await read(topic), [5, 6, 7, 8, 9, 10, 11])
  })

  it('an offset is expired once remote storage has lost its records, and not before the margin says', async () => {
    const topic = 'passing'
    const ages = [hour - 17_000, hour - 15_000, hour - 13_000, 30 * minute, 29 * minute, minute]
    await fill(topic, { 'retention.ms': hour }, ages)
    await stand(topic, 1)
    const notBefore = await marginOf(topic)
    await isOnDiskFrom(topic, 5)
    const passed = await waitFor(
      'retention to pass the offset',
      async () => (await admin.offsets(topic, 0)).start > 1 && Date.now(),
      60_000,
    )
    assert.ok(passed >= notBefore, `${notBefore - passed} ms before`)
    await waitFor('all three to go', async () => (await admin.offsets(topic, 0)).start === 3)

    const [row] = await check(log, store, { group: topic })
    assert.equal(row?.verdict, 'expired')
    assert.deepEqual(row?.evidence, ['the offset 1 is below the log start 3: at most 2 records were removed before they were read'])
    await repair(log, store, { group: topic, execute: true })
    assert.deepEqual(await read(topic), [3, 4, 5])
  })

  it('records in remote storage that is away are waited for: they are not called expired, and not passed over', async () => {
    const topic = 'away'
    await fill(
      topic,
      { 'retention.ms': 24 * hour },
      [30, 29, 28, 2, 1].map((minutes) => minutes * minute),
    )
    await isOnDiskFrom(topic, 3)
    await stand(topic, 1)
    const storage = join(remote, 'kafka-tiered-storage')
    const folder = readdirSync(storage).find((name) => name.startsWith(`${topic}-0-`)) ?? ''
    // All but the active one: a segment that was moved there later would make the folder anew.
    await waitFor('four segments', () => readdirSync(join(storage, folder)).filter((name) => name.endsWith('.log')).length === 4)
    renameSync(join(storage, folder), join(remote, 'elsewhere'))

    await waitFor('the margin to be unknown', async () => {
      const { verdict, margin } = await explain(log, store, { group: topic, topic, partition: 0 })
      assert.deepEqual([verdict, margin?.notBeforeMs], ['valid', null])
      return margin?.evidence.join().startsWith('retention not known: UNKNOWN_SERVER_ERROR')
    })
    const said: string[] = []
    const reading = read(topic, ({ text }) => said.push(text))
    try {
      await waitFor('the job to say what it waits for', () => said.includes(`waiting for ${topic}-0: UNKNOWN_SERVER_ERROR`))
    } finally {
      renameSync(join(remote, 'elsewhere'), join(storage, folder))
    }
    assert.deepEqual(await reading, [1, 2, 3, 4])
  })
})
