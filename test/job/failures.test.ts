import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { LabAdmin } from '../../lab/admin.ts'
import { startKafka, type KafkaCluster } from '../../lab/kafka.ts'
import {
  connect,
  JobControl,
  openStore,
  read,
  run,
  TidemarkError,
  type HandlerBatch,
  type Log,
  type RunOptions,
  type Store,
} from '../../src/index.ts'

describe('failures in the handler', () => {
  let kafka: KafkaCluster
  let admin: LabAdmin
  let log: Log
  let store: Store
  let count = 0

  before(async () => {
    kafka = await startKafka()
    admin = new LabAdmin(kafka.bootstrapServers)
    log = await connect({ bootstrapServers: kafka.bootstrapServers })
    store = await openStore('memory:')
  })
  after(async () => {
    await store.close()
    await log.close()
    await admin.close()
    await kafka.close()
  })

  async function filled(partitions: number, perPartition: number): Promise<string> {
    const topic = `failing-${++count}`
    await admin.createTopic(topic, { partitions })
    for (let partition = 0; partition < partitions; partition++) {
      await admin.produce(
        Array.from({ length: perPartition }, (_, index) => ({ topic, partition, key: `k${index}`, value: `${partition}.${index}` })),
      )
    }
    return topic
  }

  function options(topic: string, handler: RunOptions['handler'], more: Partial<RunOptions> = {}): RunOptions {
    return { group: topic, topics: [topic], untilEnd: true, secondLookMs: 200, retryPauseMs: 1, handler, ...more }
  }

  /** Handles all records but those named, at which it throws. */
  function allBut(bad: readonly string[], seen: string[]): (batch: HandlerBatch) => void {
    return ({ records }) => {
      const values = [...records].map(({ value }) => String(value))
      const found = values.find((value) => bad.includes(value))
      if (found !== undefined) throw new Error(`can't take ${found}`)
      seen.push(...values)
    }
  }

  function ids(partitions: number, perPartition: number): string[] {
    return Array.from({ length: partitions }, (_, partition) =>
      Array.from({ length: perPartition }, (_, index) => `${partition}.${index}`),
    ).flat()
  }

  /** A topic's records as text: what is kept of a batch that is done has to be a copy. */
  async function readAll(topic: string): Promise<{ key: string; value: string; headers: Record<string, string> }[]> {
    const records: Awaited<ReturnType<typeof readAll>> = []
    for await (const batch of read(log, store, { group: 'reader of letters', topics: [topic], untilEnd: true })) {
      for (const { key, value, headers } of batch.records) {
        const texts = headers.map(([name, header]) => [name, String(header)])
        records.push({ key: String(key), value: String(value), headers: Object.fromEntries(texts) as Record<string, string> })
      }
      await batch.done()
    }
    return records
  }

  it('skip: only the records that fail are passed over, one ledger row each, and every other one is handled once', async () => {
    const topic = await filled(2, 50)
    const bad = ['0.0', '0.17', '1.49']
    const seen: string[] = []
    const summary = await run(log, store, options(topic, allBut(bad, seen), { onFailure: 'skip' }))
    assert.deepEqual(
      seen.toSorted(),
      ids(2, 50)
        .filter((id) => !bad.includes(id))
        .toSorted(),
    )
    assert.deepEqual([summary.records, summary.givenUp], [97, 3])
    const rows = (await store.ledger({ group: topic })).filter(({ action }) => action === 'skip')
    const spans = rows.map(({ partition, from, to, skipped }) => `${partition}: ${from} to ${to}, ${skipped}`)
    assert.deepEqual(spans.toSorted(), ['0: 0 to 1, 1', '0: 17 to 18, 1', '1: 49 to 50, 1'])
    assert.match(rows[0]?.evidence[0] ?? '', /the handler threw "can't take \d\.\d+"/)
    const custody = await store.load(topic)
    assert.deepEqual(
      custody.map(({ stored }) => stored.state === 'position' && stored.position.offset),
      [50, 50],
    )
    assert.ok(custody.every(({ planned }) => planned === undefined))
  })

  it('dead-letter: the records that fail are in the topic as they were, with headers that say where they came from and why', async () => {
    const topic = await filled(1, 20)
    await admin.createTopic('letters', { partitions: 3 })
    const seen: string[] = []
    await run(log, store, options(topic, allBut(['0.7'], seen), { onFailure: { deadLetter: 'letters' } }))
    assert.equal(seen.length, 19)
    const [letter, ...others] = await readAll('letters')
    assert.ok(letter !== undefined && others.length === 0)
    const { key, value, headers } = letter
    assert.deepEqual([key, value], ['k7', '0.7'])
    assert.deepEqual(
      [headers['tidemark.topic'], headers['tidemark.partition'], headers['tidemark.offset'], headers['tidemark.group']],
      [topic, '0', '7', topic],
    )
    assert.match(headers['tidemark.reason'] ?? '', /can't take 0.7/)
    const [row] = (await store.ledger({ group: topic })).slice(-1)
    assert.deepEqual([row?.action, row?.from, row?.to, row?.skipped], ['dead-letter', 7, 8, 1])
  })

  it('a dead-letter topic that does not exist stops the job, and nothing is skipped', async () => {
    const topic = await filled(1, 5)
    const error = await run(log, store, options(topic, allBut(['0.2'], []), { onFailure: { deadLetter: 'no-such-letters' } })).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    assert.ok(error instanceof TidemarkError)
    assert.equal(error.code, 'TOPIC_NOT_FOUND')
    const [custody] = await store.load(topic)
    assert.ok(custody?.stored.state === 'position' && custody.stored.position.offset <= 2)
  })

  it('what is left of a batch that fails in the middle stays planned', async () => {
    const topic = await filled(1, 16)
    const planned: unknown[] = []
    await run(
      log,
      store,
      options(
        topic,
        async ({ records }) => {
          const [custody] = await store.load(topic)
          planned.push(custody?.planned)
          if ([...records].some(({ offset }) => offset === 3)) throw new Error('no')
        },
        { onFailure: 'skip' },
      ),
    )
    assert.ok(
      planned.every((range) => (range as { untilOffset: number }).untilOffset === 16),
      JSON.stringify(planned),
    )
  })

  it('undecodable records: the good ones before them are handled, the batch is passed over with a ledger row, the job goes on', async () => {
    const topic = await filled(1, 3)
    await admin.produce([{ topic, partition: 0, value: 'a value to damage' }])
    await admin.produce([{ topic, partition: 0, value: 'behind it' }])
    await kafka.broker().stop()
    damage(kafka.broker().dataDir, topic, 'a value to damage')
    await kafka.broker().start()
    await admin.createTopic('unreadable')
    const stopped = await run(log, store, { ...options(topic, () => {}), group: 'stops' }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    assert.ok(stopped instanceof TidemarkError)
    assert.deepEqual([stopped.code, stopped.topic, stopped.partition], ['RECORD_CORRUPT', topic, 0])
    const [custody] = await store.load('stops')
    assert.ok(custody?.stored.state === 'position')
    assert.equal(custody.stored.position.offset, 3, 'all before it is saved, nothing beyond it')
    const seen: string[] = []
    await run(log, store, options(topic, allBut([], seen), { onFailure: { deadLetter: 'unreadable' } }))
    assert.deepEqual(seen, ['0.0', '0.1', '0.2', 'behind it'])
    const row = (await store.ledger({ group: topic })).at(-1)
    assert.deepEqual([row?.action, row?.from, row?.to, row?.skipped], ['dead-letter', 3, 4, 1])
    const [letter] = await readAll('unreadable')
    assert.ok(letter?.value.includes('value to damage'), 'the batch as it came')
  })

  it('a paused partition is not handed out, and its records wait until it is resumed', async () => {
    const topic = await filled(2, 10)
    const control = new JobControl()
    control.pause({ topic, partition: 1 })
    const seen: string[] = []
    const running = run(log, store, options(topic, allBut([], seen), { control }))
    await sleep(1_000)
    assert.deepEqual(seen, ids(1, 10))
    control.resume({ topic, partition: 1 })
    await running
    assert.deepEqual(seen.toSorted(), ids(2, 10).toSorted())
  })

  it('keeps within a rate', async () => {
    const topic = await filled(1, 30)
    const started = performance.now()
    await run(
      log,
      store,
      options(topic, () => {}, { maxRecords: 10, maxRecordsPerSecond: 20 }),
    )
    assert.ok(performance.now() - started >= 1_000, '20 records a second: the last 10 of 30 not before a second has passed')
  })
})

/** Changes one byte of a text in the segments of a topic. */
function damage(dataDir: string, topic: string, text: string): void {
  const path = readdirSync(dataDir, { recursive: true, encoding: 'utf8' }).find((file) => new RegExp(`${topic}-0/\\d+\\.log$`).test(file))
  const file = join(dataDir, path as string)
  const bytes = readFileSync(file)
  const at = bytes.indexOf(text)
  assert.ok(at > 0)
  bytes[at] = 0x41
  writeFileSync(file, bytes)
}
