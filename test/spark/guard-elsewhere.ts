import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { sparkEnvironment } from '../../lab/spark.ts'
import { waitFor } from '../../lab/wait.ts'
import { positionOf } from '../../src/core/custody.ts'
import { openFiles } from '../../src/files/files.ts'
import { openStore, type LedgerRow } from '../../src/index.ts'
import { readCheckpoint } from '../../src/spark/checkpoint.ts'
import { start, type Ended, type Running } from '../cli/command.ts'
import { servers } from '../cli/servers.ts'

const QUERY = join(import.meta.dirname, 'query.py')
const SPARK_MS = 180_000

/** Where a checkpoint is that is on no disk of ours. */
export interface Elsewhere {
  /** As guard takes it. */
  readonly checkpoint: string
  /** As Spark takes it. */
  readonly checkpointLocation: string
  /** What Spark needs in its environment to get there. */
  readonly environment?: Record<string, string>
  close(): Promise<void>
}

/** The tests of a query that writes its checkpoint elsewhere by Spark's own client, and of a guard that reads it there by ours. */
export function guardFollows(where: string, open: () => Promise<Elsewhere>): void {
  describe(`guard of a streaming query whose checkpoint is on ${where}, Spark 4.1.1`, () => {
    const at = servers()
    let elsewhere: Elsewhere
    let spark: Record<string, string>
    before(async () => {
      ;[elsewhere, spark] = await Promise.all([open(), sparkEnvironment('4.1.1')])
    })
    after(() => elsewhere?.close())

    const store = (): string => `sqlite:${join(at().directory, 'offsets.db')}`
    const sink = (): string => join(at().directory, 'sink')

    function guard(options: readonly string[], ...command: string[]): Running {
      const settings = { TIDEMARK_BOOTSTRAP_SERVER: at().kafka.bootstrapServers, TIDEMARK_STORE: store() }
      const words = ['guard', '--group', 'lake', '--checkpoint', elsewhere.checkpoint, ...options, '--', ...command]
      return start(words, { cwd: at().directory, env: { ...settings, ...spark, ...elsewhere.environment } })
    }

    function query(options: readonly string[], ...how: string[]): Running {
      const where = [at().kafka.bootstrapServers, 'orders', elsewhere.checkpointLocation, sink()]
      return guard(options, 'python3', QUERY, ...where, ...how)
    }

    async function produce(from: number, until: number): Promise<void> {
      for (const partition of [0, 1]) {
        const values = Array.from({ length: until - from }, (_, index) => `${partition}.${from + index}`)
        await at().admin.produce(values.map((value) => ({ topic: 'orders', partition, value })))
      }
    }

    /** The ids in the sink, sorted. */
    function ids(): string[] {
      const lines = existsSync(sink()) ? readFileSync(sink(), 'utf8').trim().split('\n') : []
      return lines.map((line) => String(line.split(' ')[3])).toSorted()
    }

    function span(partition: number, from: number, until: number): string[] {
      return Array.from({ length: until - from }, (_, index) => `${partition}.${from + index}`)
    }

    async function stored(): Promise<string> {
      await using opened = await openStore(store(), { mode: 'read' })
      return (await opened.load('lake')).map((custody) => positionOf(custody)?.offset).join()
    }

    async function newestBatch(): Promise<number | undefined> {
      const files = await openFiles(elsewhere.checkpoint)
      return readCheckpoint(files).then(({ planned }) => planned)
    }

    function assertEnded({ code, stderr }: Ended, expected: number): void {
      assert.equal(code, expected, stderr)
    }

    it('begins where the store says, is followed there batch by batch, and its last batch is in the store when it ends', async () => {
      await at().admin.createTopic('orders', { partitions: 2, configs: { 'retention.ms': -1 } })
      await produce(0, 200)
      const began = await at().tidemark(
        'reset',
        '--store',
        store(),
        '--group',
        'lake',
        '--topic',
        'orders:0',
        '--to-offset',
        '50',
        '--execute',
      )
      assertEnded(began, 0)
      const running = query(['--topic', 'orders'])
      const isThere = async (offsets: string): Promise<boolean> => {
        assert.equal(running.process.exitCode, null, running.written.stderr)
        return (await stored()) === offsets
      }
      await waitFor('the offsets in the store', () => isThere('200,200'), SPARK_MS)
      await produce(200, 300)
      await waitFor('those of the batches that came meanwhile', () => isThere('300,300'), SPARK_MS)
      running.process.kill('SIGTERM')
      await running.ended
      assert.deepEqual(ids(), [...span(0, 50, 300), ...span(1, 0, 300)].toSorted())
      await produce(300, 350)
      // It ends by itself, sooner after its last batch than guard looks for one.
      assertEnded(await query([], 'once').ended, 0)
      assert.equal(await stored(), '350,350')
      assert.deepEqual(ids(), [...span(0, 50, 350), ...span(1, 0, 350)].toSorted())
    })

    it('is refused by the policy, with the checkpoint and the store as they were, and repaired by it before it starts', async () => {
      await produce(350, 500)
      await at().admin.deleteRecords('orders', 1, 480)
      const before = await newestBatch()
      const refused = await guard(['--policy', 'expired=fail'], 'touch', join(at().directory, 'started')).ended
      assertEnded(refused, 3)
      assert.match(
        refused.stderr,
        /POLICY_FAIL: expired, .* the offset 350 is below the log start 480.*\(group lake, topic orders, partition 1\)/,
      )
      assert.equal(existsSync(join(at().directory, 'started')), false)
      assert.deepEqual([await newestBatch(), await stored()], [before, '350,350'])

      const repaired = await query([], 'once').ended
      assertEnded(repaired, 0)
      assert.match(repaired.stderr, /orders-1 was expired: moved from 350 to 480 \(earliest; at most 130 records skipped, 0 read again\)/)
      assert.equal(await stored(), '500,500')
      assert.deepEqual(ids(), [...span(0, 50, 500), ...span(1, 0, 350), ...span(1, 480, 500)].toSorted())
      const { stdout } = await at().tidemark('ledger', '--store', store(), '--group', 'lake', '-o', 'json')
      const { rows } = JSON.parse(stdout) as { rows: LedgerRow[] }
      assert.deepEqual(
        rows.slice(-1).map(({ partition, verdict, action, from, to }) => ({ partition, verdict, action, from, to })),
        [{ partition: 1, verdict: 'expired', action: 'earliest', from: 350, to: 480 }],
      )
    })
  })
}
