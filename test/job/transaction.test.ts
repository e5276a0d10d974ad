import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { build } from 'esbuild'
import { LabAdmin } from '../../lab/admin.ts'
import { startKafka, type KafkaCluster } from '../../lab/kafka.ts'
import { inlinePackages, requireBanner } from '../../scripts/inline-packages.mjs'
import { connect, openStore, run, TidemarkError, type Log, type RunOptions, type Store } from '../../src/index.ts'

const KILLS = 200
/** More than they can get done while they live. */
const PER_PARTITION = 5_000

describe('a job whose work and offsets are one transaction', () => {
  let kafka: KafkaCluster
  let admin: LabAdmin
  let log: Log
  let store: Store
  let dir: string
  let file: string

  before(async () => {
    kafka = await startKafka()
    admin = new LabAdmin(kafka.bootstrapServers)
    log = await connect({ bootstrapServers: kafka.bootstrapServers })
  })
  after(async () => {
    await log.close()
    await admin.close()
    await kafka.close()
  })
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'tidemark-transaction-'))
    file = join(dir, 'tidemark.db')
    store = await openStore(`sqlite:${file}`)
    const db = new DatabaseSync(file)
    db.exec('CREATE TABLE sink (id TEXT)')
    db.close()
  })

  afterEach(async () => {
    await store.close()
    rmSync(dir, { recursive: true })
  })

  async function filled(topic: string, partitions: number, perPartition: number): Promise<string[]> {
    await admin.createTopic(topic, { partitions })
    const ids = Array.from({ length: partitions }, (_, partition) =>
      Array.from({ length: perPartition }, (_, index) => `${partition}.${index}`),
    )
    for (const [partition, values] of ids.entries()) await admin.produce(values.map((value) => ({ topic, partition, value })))
    return ids.flat().toSorted()
  }

  function sink(): string[] {
    const db = new DatabaseSync(file)
    const rows = db.prepare('SELECT id FROM sink ORDER BY id').all()
    db.close()
    return rows.map(({ id }) => String(id))
  }

  function insert(batch: { records: Iterable<{ value: Buffer | null }> }, transaction: unknown): void {
    const statement = (transaction as DatabaseSync).prepare('INSERT INTO sink (id) VALUES (?)')
    for (const { value } of batch.records) statement.run(String(value))
  }

  function options(topic: string, handler: RunOptions['handler'], more: Partial<RunOptions> = {}): RunOptions {
    return { group: topic, topics: [topic], untilEnd: true, transaction: true, retryPauseMs: 1, secondLookMs: 200, handler, ...more }
  }

  it('a handler that throws leaves nothing of its work in the sink, and its retry counts once', async () => {
    const ids = await filled('throws', 1, 20)
    let attempts = 0
    await run(
      log,
      store,
      options('throws', async (batch, { transaction }) => {
        insert(batch, transaction)
        await sleep(1)
        if (++attempts < 3) throw new Error('after the work')
      }),
    )
    assert.deepEqual(sink(), ids.toSorted())
    assert.equal(attempts, 3)
  })

  it('only the records that fail are given up', async () => {
    const ids = await filled('gives-up', 1, 20)
    await run(
      log,
      store,
      options(
        'gives-up',
        (batch, { transaction }) => {
          insert(batch, transaction)
          if ([...batch.records].some(({ offset }) => offset === 13)) throw new Error('no')
        },
        { onFailure: 'skip' },
      ),
    )
    assert.deepEqual(sink(), ids.filter((id) => id !== '0.13').toSorted())
  })

  it('a worker that was taken over from puts nothing in the sink', async () => {
    const ids = await filled('taken', 2, 50)
    const inHand = Promise.withResolvers<void>()
    const other = await openStore(`sqlite:${file}`)
    let batches = 0
    const first = run(
      log,
      store,
      options(
        'taken',
        async (batch, { transaction }) => {
          insert(batch, transaction)
          if (++batches === 2) inHand.resolve()
        },
        { maxRecords: 10, maxRecordsPerSecond: 50 },
      ),
    ).then(
      () => undefined,
      (error: unknown) => error,
    )
    await inHand.promise
    await run(
      log,
      other,
      options('taken', (batch, { transaction }) => insert(batch, transaction)),
    )
    const error = await first
    assert.ok(error instanceof TidemarkError && error.code === 'FENCED', String(error))
    assert.deepEqual(sink(), ids)
    await other.close()
  })

  it('a handler that ends the transaction itself is told so', async () => {
    await filled('commits', 1, 5)
    const error = await run(
      log,
      store,
      options('commits', (_batch, { transaction }) => (transaction as DatabaseSync).exec('COMMIT'), { retries: 0 }),
    ).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    assert.match(String(error), /ended the transaction/)
  })

  it('a store without transactions refuses', async () => {
    await filled('refused', 1, 5)
    const memory = await openStore('memory:')
    const error = await run(
      log,
      memory,
      options('refused', () => {}, { retries: 0 }),
    ).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    assert.match(String(error), /no transactions/)
    await memory.close()
  })

  it(`${KILLS} workers killed with -9: each id is in the sink once`, async () => {
    const ids = await filled('killed', 4, PER_PARTITION)
    const script = await bundled(join(import.meta.dirname, 'transaction-worker.ts'))
    const start = (...more: string[]): ChildProcess => {
      const args = [script, kafka.bootstrapServers, `sqlite:${file}`, 'killed', 'killed', ...more]
      return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] })
    }
    /** Kills a worker some moments after its first batch; one that was taken over from before ends by itself. */
    const lifeOf = async (): Promise<boolean> => {
      const worker = start()
      const exit = once(worker, 'exit')
      const atWork = await Promise.race([once(worker.stdout as NodeJS.ReadableStream, 'data').then(() => true), exit.then(() => false)])
      await sleep(Math.random() * 60)
      worker.kill('SIGKILL')
      await exit
      return atWork
    }
    let kills = 0
    const lives = async (): Promise<void> => {
      while (kills < KILLS) if (await lifeOf()) kills++
    }
    await Promise.all([lives(), lives()])
    const before = sink().length
    const last = start('until-end')
    const [code] = await once(last, 'exit')
    assert.equal(code, 0)
    assert.ok(before > KILLS && before < ids.length, `${before} of ${ids.length} were there when the killing ended`)
    assert.deepEqual(sink(), ids)
  })
})

/** One file that starts quickly: two hundred workers are to be started. It lies where it finds its packages. */
async function bundled(entry: string): Promise<string> {
  const outfile = join(import.meta.dirname, '../../.cache/test/transaction-worker.mjs')
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    plugins: [inlinePackages],
    banner: requireBanner,
    logLevel: 'warning',
  })
  return outfile
}
