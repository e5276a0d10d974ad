import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { LabAdmin } from '../../lab/admin.ts'
import { startKafka, type KafkaCluster } from '../../lab/kafka.ts'
import { waitFor } from '../../lab/wait.ts'
import {
  connect,
  openStore,
  read,
  run,
  TidemarkError,
  type HandlerBatch,
  type Log,
  type Notice,
  type OffsetRange,
  type RunOptions,
  type Store,
} from '../../src/index.ts'

describe('a job', () => {
  let kafka: KafkaCluster
  let admin: LabAdmin
  let log: Log
  let store: Store
  let dir: string
  let storeUrl: string
  let count = 0

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'tidemark-job-'))
    storeUrl = `sqlite:${join(dir, 'tidemark.db')}`
    kafka = await startKafka()
    admin = new LabAdmin(kafka.bootstrapServers)
    log = await connect({ bootstrapServers: kafka.bootstrapServers })
    store = await openStore(storeUrl)
  })
  after(async () => {
    await store.close()
    await log.close()
    await admin.close()
    await kafka.close()
    rmSync(dir, { recursive: true })
  })

  /** A topic with `perPartition` records in each partition, their values `ID partition.index`. */
  async function filled(partitions: number, perPartition: number): Promise<string> {
    const topic = `topic-${++count}`
    await admin.createTopic(topic, { partitions })
    await produce(topic, partitions, 0, perPartition)
    return topic
  }

  async function produce(topic: string, partitions: number, from: number, until: number, keyBytes = 1): Promise<void> {
    for (let partition = 0; partition < partitions; partition++) {
      const key = 'k'.repeat(keyBytes)
      await admin.produce(
        Array.from({ length: until - from }, (_, index) => ({ topic, partition, key, value: `${partition}.${from + index}` })),
      )
    }
  }

  function ids(partitions: number, from: number, until: number): string[] {
    return Array.from({ length: partitions }, (_, partition) =>
      Array.from({ length: until - from }, (_, index) => `${partition}.${from + index}`),
    ).flat()
  }

  function options(topic: string, handler: RunOptions['handler'], more: Partial<RunOptions> = {}): RunOptions {
    return { group: `group of ${topic}`, topics: [topic], untilEnd: true, secondLookMs: 200, handler, ...more }
  }

  async function committed(topic: string): Promise<Array<number | null>> {
    const custody = await store.load(`group of ${topic}`)
    return custody.map(({ stored }) => (stored.state === 'position' ? stored.position.offset : null))
  }

  function values(batch: HandlerBatch): string[] {
    return [...batch.records].map(({ value }) => String(value))
  }

  async function codeOf(promise: Promise<unknown>): Promise<TidemarkError> {
    const error = await promise.then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    assert.ok(error instanceof TidemarkError, String(error))
    return error
  }

  it('hands out every record once, within the limits, and saves each offset after its work', async () => {
    const topic = await filled(3, 100)
    const seen: string[] = []
    const before = new Map<number, number>()
    const summary = await run(
      log,
      store,
      options(
        topic,
        async (batch) => {
          assert.ok(batch.recordCount <= 30)
          for (const custody of await store.load(`group of ${topic}`)) {
            const offset = custody.stored.state === 'position' ? custody.stored.position.offset : 0
            const range = batch.ranges.find(({ partition }) => partition === custody.partition)
            if (range !== undefined)
              assert.deepEqual(
                custody.planned,
                { fromOffset: offset, untilOffset: range.untilOffset },
                'planned before the work, saved after it',
              )
            assert.ok(offset >= (before.get(custody.partition) ?? 0))
            before.set(custody.partition, offset)
          }
          seen.push(...values(batch))
        },
        { maxRecords: 30 },
      ),
    )
    assert.deepEqual(seen.toSorted(), ids(3, 0, 100).toSorted())
    assert.deepEqual(await committed(topic), [100, 100, 100])
    assert.equal(summary.records, 300)
    assert.deepEqual(
      summary.ranges.map(({ fromOffset, untilOffset }) => [fromOffset, untilOffset]),
      [
        [0, 100],
        [0, 100],
        [0, 100],
      ],
    )
  })

  it('goes on where it stopped, and stores who, when, and the identity of the log', async () => {
    const topic = await filled(1, 10)
    await run(
      log,
      store,
      options(topic, () => {}),
    )
    await produce(topic, 1, 10, 15)
    const seen: string[] = []
    await run(
      log,
      store,
      options(topic, (batch) => seen.push(...values(batch))),
    )
    assert.deepEqual(seen, ids(1, 10, 15))
    const [custody] = await store.load(`group of ${topic}`)
    assert.ok(custody?.stored.state === 'position')
    const { position } = custody.stored
    const [description] = await log.topics([topic])
    assert.ok(description?.state === 'known')
    assert.equal(position.topicId, description.topicId)
    assert.equal(position.clusterId, description.clusterId)
    assert.deepEqual([position.leaderEpoch, position.epochs], [0, [{ epoch: 0, startOffset: 0 }]])
    assert.ok(position.recordTime !== undefined && position.commitTime !== undefined && position.committedBy !== undefined)
    assert.equal(custody.planned, undefined)
    assert.equal(custody.ownerEpoch, 2)
  })

  it('as an iterable: a batch that is not done is handed out again, with the same range', async () => {
    const topic = await filled(2, 20)
    const ranges: OffsetRange[][] = []
    for (let attempt = 0; attempt < 2; attempt++) {
      for await (const batch of read(log, store, { group: `group of ${topic}`, topics: [topic], maxRecords: attempt === 0 ? 7 : 10_000 })) {
        ranges.push([...batch.ranges])
        break
      }
    }
    assert.deepEqual(ranges[1], ranges[0], 'whatever the limits of the second run')
    assert.deepEqual(await committed(topic), [0, 0])
    const again = read(log, store, { group: `group of ${topic}`, topics: [topic], untilEnd: true })
    await again.next()
    assert.equal((await codeOf(again.next())).code, 'USAGE', 'the next one is refused while one is not done')
  })

  it('tries a failing handler again, then stops with the ranges in the error and the offset unmoved', async () => {
    const topic = await filled(1, 10)
    let calls = 0
    const seen: string[] = []
    await run(
      log,
      store,
      options(
        topic,
        (batch) => {
          if (++calls < 3) throw new Error('not yet')
          seen.push(...values(batch))
        },
        { retryPauseMs: 1 },
      ),
    )
    assert.deepEqual(seen, ids(1, 0, 10))
    await produce(topic, 1, 10, 20)
    const error = await codeOf(
      run(
        log,
        store,
        options(
          topic,
          () => {
            throw new Error('never')
          },
          { retries: 2, retryPauseMs: 1 },
        ),
      ),
    )
    assert.equal(error.code, 'HANDLER_FAILED')
    assert.match(error.message, /"never" at topic-\d+-0 \[10, 20\), 3 times/)
    assert.deepEqual(await committed(topic), [10])
  })

  it('stops when a handler never returns', async () => {
    const topic = await filled(1, 10)
    const error = await codeOf(
      run(
        log,
        store,
        options(topic, () => new Promise(() => {}), { handlerTimeoutMs: 100 }),
      ),
    )
    assert.equal(error.code, 'HANDLER_TIMEOUT')
    assert.match(error.message, /did not return within 0.1 s/)
    assert.deepEqual(await committed(topic), [0])
  })

  it('finishes the batch in hand when it is told to stop', async () => {
    const topic = await filled(1, 100)
    const stop = new AbortController()
    let batches = 0
    const summary = await run(
      log,
      store,
      options(
        topic,
        async () => {
          batches++
          stop.abort()
          await sleep(50)
        },
        { maxRecords: 10, untilEnd: false, signal: stop.signal },
      ),
    )
    assert.equal(batches, 1)
    assert.equal(summary.records, 10)
    assert.deepEqual(await committed(topic), [10])
  })

  it('a worker that was taken over from can save nothing any more, and ends with FENCED', async () => {
    const topic = await filled(1, 100)
    const release = Promise.withResolvers<void>()
    const started = Promise.withResolvers<void>()
    const first = codeOf(
      run(
        log,
        store,
        options(
          topic,
          async () => {
            started.resolve()
            await release.promise
          },
          { maxRecords: 10 },
        ),
      ),
    )
    await started.promise
    const seen: string[] = []
    await run(
      log,
      store,
      options(topic, (batch) => seen.push(...values(batch))),
    )
    assert.deepEqual(seen, ids(1, 0, 100), 'the second one runs the planned batch again and goes on')
    release.resolve()
    const error = await first
    assert.equal(error.code, 'FENCED')
    assert.equal(error.topic, topic)
    assert.deepEqual(await committed(topic), [100])
  })

  it('does not start, and takes nothing from a running worker, when the policy says fail', async () => {
    const topic = await filled(2, 10)
    await run(
      log,
      store,
      options(topic, () => {}),
    )
    await produce(topic, 1, 10, 20)
    await admin.deleteRecords(topic, 0, 15)
    const before = await store.load(`group of ${topic}`)
    const error = await codeOf(
      run(
        log,
        store,
        options(topic, () => assert.fail('nothing may be read'), { policy: 'expired=fail' }),
      ),
    )
    assert.equal(error.code, 'POLICY_FAIL')
    assert.deepEqual([error.topic, error.partition], [topic, 0])
    assert.deepEqual(await store.load(`group of ${topic}`), before)
  })

  it('does not start on the offset of another cluster, and does not send people to a repair that would be refused', async () => {
    const topic = await filled(1, 10)
    const group = `group of ${topic}`
    const [custody] = await store.load(group, [{ topic, partition: 0 }])
    const position = { offset: 5, clusterId: 'another' }
    const expected = custody?.revision ?? ''
    await store.save(group, [{ topic, partition: 0, expected, position, ownerEpoch: 0, saveId: 'theirs', ledger: [] }])
    const error = await codeOf(
      run(
        log,
        store,
        options(topic, () => assert.fail('nothing may be read')),
      ),
    )
    assert.equal(error.code, 'POLICY_FAIL')
    assert.match(
      error.message,
      /^foreign, .* the cluster another, .*\. What is stored was left as it is\. Is this the right cluster\? If it is, give the job a group/,
    )
  })

  it('repairs an expired offset at the start, and the ledger holds what was skipped', async () => {
    const topic = await filled(1, 20)
    await run(
      log,
      store,
      options(topic, () => {}),
    )
    await produce(topic, 1, 20, 40)
    await admin.deleteRecords(topic, 0, 33)
    const seen: string[] = []
    await run(
      log,
      store,
      options(topic, (batch) => seen.push(...values(batch))),
    )
    assert.deepEqual(seen, ids(1, 33, 40))
    const rows = (await store.ledger({ group: `group of ${topic}` })).filter(({ verdict }) => verdict !== 'missing')
    assert.deepEqual(
      rows.map(({ verdict, action, from, to, skipped, reread }) => [verdict, action, from, to, skipped, reread]),
      [['expired', 'earliest', 20, 33, 13, 0]],
    )
  })

  it('records that are removed under a running job go to the ledger, and the job goes on', async () => {
    const topic = await filled(1, 30)
    const seen: string[] = []
    const notices: Notice[] = []
    await run(
      log,
      store,
      options(
        topic,
        async (batch) => {
          seen.push(...values(batch))
          if (seen.length === 10) {
            for (let from = 30; from < 3_000; from += 99) await produce(topic, 1, from, from + 99, 200) // more than what is read ahead
            await admin.deleteRecords(topic, 0, 2_990)
          }
        },
        {
          maxRecords: 10,
          maxBytes: 500,
          onNotice: (notice) => notices.push(notice),
          untilEnd: false,
          ...stopWhen(() => seen.includes('0.2999')),
        },
      ),
    )
    const rows = (await store.ledger({ group: `group of ${topic}` })).filter(({ verdict }) => verdict === 'expired')
    const skipped = rows.flatMap(({ from, to }) => ids(1, from ?? 0, to))
    assert.deepEqual(
      [...seen, ...skipped].toSorted(),
      ids(1, 0, 3_000).toSorted(),
      'each id was handled, or stands in the ledger, and none twice',
    )
    assert.equal(rows.length, 1)
    assert.ok(notices.some(({ kind, text }) => kind === 'moved' && text.includes('expired')))
  })

  /** Ends a run once something is true. */
  function stopWhen(isDone: () => boolean): { signal: AbortSignal } {
    const stop = new AbortController()
    void waitFor('the run to be done', isDone, 120_000).finally(() => stop.abort())
    return { signal: stop.signal }
  }

  it('a topic that is made anew under a running job is read from its beginning, and no other partition is disturbed', async () => {
    const topic = await filled(1, 10)
    const other = await filled(1, 10)
    const seen: string[] = []
    const late: string[] = []
    await run(log, store, {
      ...options(topic, async (batch) => {
        for (const record of batch.records) (record.topic === topic ? seen : late).push(String(record.value))
        if (seen.length === 10 && late.length === 10) {
          await admin.recreateTopic(topic)
          await admin.produce(Array.from({ length: 25 }, (_, index) => ({ topic, partition: 0, value: `new.${index}` })))
          await produce(other, 1, 10, 20)
        }
      }),
      topics: [topic, other],
      untilEnd: false,
      ...stopWhen(() => seen.includes('new.24') && late.includes('0.19')),
    })
    assert.deepEqual(seen, [...ids(1, 0, 10), ...Array.from({ length: 25 }, (_, index) => `new.${index}`)])
    assert.deepEqual(late, ids(1, 0, 20))
    const [row] = [(await store.ledger({ group: `group of ${topic}`, topic })).find(({ verdict }) => verdict === 'recreated')]
    assert.deepEqual([row?.from, row?.to, row?.skipped], [10, 0, null])
  })

  it('an offset that somebody else moved while the batch was worked on is theirs', async () => {
    const topic = await filled(1, 30)
    const seen: string[] = []
    await run(
      log,
      store,
      options(
        topic,
        async (batch) => {
          seen.push(...values(batch))
          if (seen.length > 10) return
          const [custody] = await store.load(`group of ${topic}`)
          assert.ok(custody?.stored.state === 'position')
          const { topic: name, partition, revision, ownerEpoch } = custody
          await store.save(`group of ${topic}`, [
            {
              topic: name,
              partition,
              expected: revision,
              ownerEpoch,
              position: { ...custody.stored.position, offset: 25 },
              saveId: 'theirs',
              ledger: [],
            },
          ])
        },
        { maxRecords: 10 },
      ),
    )
    assert.deepEqual(seen, [...ids(1, 0, 10), ...ids(1, 25, 30)])
    assert.deepEqual(await committed(topic), [30])
  })

  it('finds partitions that are added while it runs', async () => {
    const topic = await filled(1, 5)
    const seen: string[] = []
    await run(
      log,
      store,
      options(
        topic,
        async (batch) => {
          seen.push(...values(batch))
          if (seen.length === 5) {
            await admin.addPartitions(topic, 2)
            await admin.produce([{ topic, partition: 1, value: 'of the new one' }])
          }
        },
        { untilEnd: false, refreshMs: 200, ...stopWhen(() => seen.includes('of the new one')) },
      ),
    )
    assert.deepEqual(seen, [...ids(1, 0, 5), 'of the new one'])
  })

  it('a topic that does not exist is an error, and is not created by being asked for', async () => {
    const error = await codeOf(
      run(
        log,
        store,
        options('no-such-topic', () => {}),
      ),
    )
    assert.equal(error.code, 'TOPIC_NOT_FOUND')
    assert.deepEqual(
      (await log.topics(['no-such-topic'])).map(({ state }) => state),
      ['absent'],
    )
  })

  it('waits for a broker that is away at the start and later, saying so, and loses nothing', async () => {
    const topic = await filled(1, 20)
    await kafka.broker().stop()
    const seen: string[] = []
    const notices: Notice[] = []
    const running = run(
      log,
      store,
      options(topic, (batch) => seen.push(...values(batch)), {
        untilEnd: false,
        onNotice: (notice) => notices.push(notice),
        ...stopWhen(() => seen.includes('0.29')),
      }),
    )
    await waitFor('the job to say that it waits', () => notices.some(({ kind }) => kind === 'waiting'))
    await kafka.broker().start()
    await waitFor('the job to go on', () => seen.includes('0.19'))
    notices.length = 0
    await kafka.broker().kill()
    await waitFor('the job to say that it waits again', () => notices.some(({ kind }) => kind === 'waiting'))
    await kafka.broker().start()
    await produce(topic, 1, 20, 30)
    await running
    assert.deepEqual(seen, ids(1, 0, 30))
    assert.deepEqual(await committed(topic), [30])
  })

  describe('killed with -9 between its work and its save', () => {
    function start(topic: string, file: string, pause: number): { worker: ChildProcess; lines: string[] } {
      const worker = spawn(
        process.execPath,
        [join(import.meta.dirname, 'worker.ts'), kafka.bootstrapServers, storeUrl, `group of ${topic}`, topic, file, String(pause)],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      )
      const lines: string[] = []
      let rest = ''
      worker.stdout?.on('data', (chunk) => {
        const parts = (rest + String(chunk)).split('\n')
        rest = parts.pop() ?? ''
        lines.push(...parts)
      })
      return { worker, lines }
    }

    it('is started again at once, runs the same ranges again, and every id is in the file', async () => {
      const topic = await filled(2, 100)
      const file = join(dir, `${topic}.txt`)
      const killed: string[] = []
      for (let round = 0; round < 4; round++) {
        const { worker, lines } = start(topic, file, 60_000)
        const handled = await waitFor('a batch in hand', () => lines.find((line) => line.startsWith('handled')))
        worker.kill('SIGKILL')
        await once(worker, 'exit')
        killed.push(handled)
      }
      assert.equal(new Set(killed).size, 1, 'the same planned ranges each time')
      const { worker, lines } = start(topic, file, 0)
      await waitFor('all to be handled', async () => (await committed(topic)).every((offset) => offset === 100))
      worker.kill('SIGTERM')
      const [code] = await once(worker, 'exit')
      assert.equal(code, 0)
      assert.ok(lines.some((line) => line.startsWith('replanned')))
      const handled = readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .map((line) => line.split(' ')[2] as string)
      assert.deepEqual([...new Set(handled)].toSorted(), ids(2, 0, 100).toSorted())
      const twice = handled.filter((id, index) => handled.indexOf(id) !== index)
      const planned = new Set(
        (JSON.parse((killed[0] as string).slice('handled: '.length)) as OffsetRange[]).flatMap(({ partition, fromOffset, untilOffset }) =>
          ids(1, fromOffset, untilOffset).map((id) => id.replace(/^0/, String(partition))),
        ),
      )
      assert.deepEqual(new Set(twice), planned, 'only the planned ranges were handled again')
    })
  })
})
