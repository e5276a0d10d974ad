import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { sparkEnvironment } from '../../lab/spark.ts'
import { waitFor } from '../../lab/wait.ts'
import type { LedgerRow } from '../../src/index.ts'
import { start, type Ended, type Running } from '../cli/command.ts'
import { servers } from '../cli/servers.ts'

const QUERY = join(import.meta.dirname, 'query.py')
/** Spark starts in 10 s on a machine that has nothing else to do, and in a minute on one that has. */
const SPARK_MS = 180_000

describe('guard of a streaming query, Spark 4.1.1', () => {
  const at = servers()
  let spark: Record<string, string>
  before(async () => {
    spark = await sparkEnvironment('4.1.1')
  })

  const path = (name: string): string => join(at().directory, name)

  function guard(options: readonly string[], ...command: string[]): Running {
    const settings = { TIDEMARK_BOOTSTRAP_SERVER: at().kafka.bootstrapServers, TIDEMARK_STORE: at().store }
    const words = ['guard', '--group', 'lake', '--checkpoint', path('checkpoint'), ...options, '--', ...command]
    return start(words, { cwd: at().directory, env: { ...settings, ...spark } })
  }

  function query(...options: string[]): Running {
    return guard(options, 'python3', QUERY, at().kafka.bootstrapServers, 'orders', path('checkpoint'), path('sink'))
  }

  async function produce(from: number, until: number): Promise<void> {
    for (const partition of [0, 1])
      await at().admin.produce(
        Array.from({ length: until - from }, (_, index) => ({ topic: 'orders', partition, value: `${partition}.${from + index}` })),
      )
  }

  /** The ids in the sink, in the order in which they came. */
  function ids(): string[] {
    return existsSync(path('sink'))
      ? readFileSync(path('sink'), 'utf8')
          .split('\n')
          .slice(0, -1)
          .map((line) => String(line.split(' ')[3]))
      : []
  }

  function span(partition: number, from: number, until: number): string[] {
    return Array.from({ length: until - from }, (_, index) => `${partition}.${from + index}`)
  }

  async function stored(): Promise<(string | undefined)[]> {
    const get = async (partition: number) => (await at().stranger.get(`/consumers/lake/offsets/orders/${partition}`))?.data?.toString()
    return Promise.all([get(0), get(1)])
  }

  /** Waits until these offsets are in ZooKeeper; a guard that ends before says why. */
  async function untilStored(running: Running, ...offsets: string[]): Promise<void> {
    const { exitCode } = await waitFor(
      `${offsets.join(' and ')} in ZooKeeper`,
      async () => (running.process.exitCode !== null || (await stored()).join() === offsets.join()) && running.process,
      SPARK_MS,
    )
    assert.equal(exitCode, null, running.written.stderr)
  }

  function newest(directory: string): number {
    const folder = join(path('checkpoint'), directory)
    return Math.max(-1, ...(existsSync(folder) ? readdirSync(folder) : []).filter((name) => /^\d+$/.test(name)).map(Number))
  }

  async function ledger(): Promise<Pick<LedgerRow, 'partition' | 'verdict' | 'action' | 'from' | 'to'>[]> {
    const { stdout } = await at().tidemark('ledger', '--group', 'lake', '-o', 'json')
    const { rows } = JSON.parse(stdout) as { rows: LedgerRow[] }
    return rows.map(({ partition, verdict, action, from, to }) => ({ partition, verdict, action, from, to }))
  }

  async function stop(running: Running): Promise<Ended> {
    running.process.kill('SIGTERM')
    return running.ended
  }

  it('without a checkpoint begins where the store says, is followed there batch by batch, also when the store was away, and dies of no offset', async () => {
    await at().admin.createTopic('orders', { partitions: 2, configs: { 'retention.ms': -1 } })
    await produce(0, 300)
    // As the old consumer left it.
    await at().commit('lake', 'orders', 0, '50')
    const running = query('--topic', 'orders')
    await untilStored(running, '300', '300')
    assert.deepEqual(ids().toSorted(), [...span(0, 50, 300), ...span(1, 0, 300)].toSorted())

    await at().zooKeeper.stop()
    await produce(300, 400)
    await waitFor('the query to go on', () => ids().length === 750, SPARK_MS)
    await waitFor('guard to say what it waits for', () => /waiting \d+ s for the store/.test(running.written.stderr), SPARK_MS)
    await at().zooKeeper.start()
    await untilStored(running, '400', '400')

    // A batch is planned, and before it is read its beginning is gone.
    writeFileSync(path('sink.hold'), '')
    await produce(400, 700)
    await waitFor('a batch to be planned', () => newest('offsets') > newest('commits'), SPARK_MS)
    await at().admin.deleteRecords('orders', 0, 690)
    rmSync(path('sink.hold'))
    await untilStored(running, '700', '700')
    const { stderr } = await stop(running)
    assert.match(stderr, /ended with exit code 1, and its offsets disagree with the log: orders-0 is expired: .* starting it again, 1 of 3/)
    assert.match(
      stderr,
      /batch \d+ was planned and can't be run, since its beginning moves: it is given up, and nothing of it counts as read/,
    )
    assert.match(stderr, /orders-0 was expired: moved from 400 to 690 \(earliest; at most 290 records skipped, 0 read again\)/)
    assert.deepEqual(ids().toSorted(), [...span(0, 50, 400), ...span(0, 690, 700), ...span(1, 0, 700)].toSorted())
    assert.deepEqual(await ledger(), [
      { partition: 1, verdict: 'missing', action: 'earliest', from: null, to: 0 },
      { partition: 0, verdict: 'expired', action: 'earliest', from: 400, to: 690 },
    ])
  })

  it('killed -9 with its query in the middle of a batch, it goes on from the checkpoint, and no id is missing', async () => {
    await produce(700, 800)
    writeFileSync(path('sink.hold'), '')
    const first = query()
    await waitFor('a batch to be planned', () => newest('offsets') > newest('commits'), SPARK_MS)
    first.process.kill('SIGKILL')
    await first.ended
    rmSync(path('sink.hold'))
    await produce(800, 900)
    // Spark 4.1.1 runs the batch again, commits it, and dies of its own metrics: it never asked for the latest offsets.
    const second = await query().ended
    assert.equal(second.code, 1, second.stderr)
    assert.match(second.stderr, /NullPointerException[^]*KafkaMicroBatchStream/)
    assert.match(second.stderr, /the command ended with exit code 1; \d+ offsets of 2 partitions saved/)
    assert.deepEqual(await stored(), ['750', '750'])
    const third = query()
    await untilStored(third, '900', '900')
    const { stderr } = await stop(third)
    assert.deepEqual(ids().toSorted(), [...span(0, 50, 400), ...span(0, 690, 900), ...span(1, 0, 900)].toSorted(), stderr)
  })

  it('sets a store that somebody moved to what the checkpoint says, and tells of a move back in the ledger', async () => {
    await at().commit('lake', 'orders', 0, '850')
    await at().commit('lake', 'orders', 1, '950')
    const { code, stderr } = await guard([], 'true').ended
    assert.equal(code, 0, stderr)
    assert.deepEqual(await stored(), ['900', '900'])
    const row = { partition: 1, verdict: 'valid', action: 'mirror', from: 950, to: 900 }
    assert.deepEqual((await ledger()).at(-1), row)
    // The stranger's numbers had no identity, and so have these: from now on the topic's own is assumed.
    const adopted = await at().tidemark('repair', '--group', 'lake', '--adopt', '--execute')
    assert.equal(adopted.code, 0, adopted.stderr)
  })

  it('refuses to start, and moves nothing, where the policy says fail', async () => {
    await produce(900, 1000)
    await at().admin.deleteRecords('orders', 1, 950)
    const before = newest('offsets')
    const { code, stderr } = await guard(['--policy', 'expired=fail'], 'touch', path('started')).ended
    assert.equal(code, 3, stderr)
    assert.match(
      stderr,
      /POLICY_FAIL: expired, and the policy says fail: the offset 900 is below the log start 950.*\(group lake, topic orders, partition 1\)/,
    )
    assert.equal(existsSync(path('started')), false)
    // A query that keeps state could not go on from another offset, whatever the policy says.
    mkdirSync(path('checkpoint/state/0'), { recursive: true })
    const stateful = await guard([], 'touch', path('started')).ended
    assert.equal(stateful.code, 3, stateful.stderr)
    assert.match(stateful.stderr, /CHECKPOINT_STATEFUL: expired: .*\(group lake, topic orders, partition 1\)/)
    rmSync(path('checkpoint/state'), { recursive: true })
    assert.equal(existsSync(path('started')), false)
    assert.equal(newest('offsets'), before)
    assert.deepEqual(await stored(), ['900', '900'])
  })

  it('sees a topic that was made anew and grew past the offset, by the identity that the store has', async () => {
    await at().admin.recreateTopic('orders', { partitions: 2, configs: { 'retention.ms': -1 } })
    await produce(0, 2000)
    const { code, stdout, stderr } = await guard([], 'sh', '-c', 'echo "$TIDEMARK_STARTING_OFFSETS"').ended
    assert.equal(code, 0, stderr)
    assert.equal(stdout, '{"orders":{"0":0,"1":0}}\n')
    assert.match(stderr, /orders-0 was recreated: moved from 900 to 0/)
    assert.deepEqual(
      (await ledger()).slice(-2).map(({ verdict, from, to }) => ({ verdict, from, to })),
      [
        { verdict: 'recreated', from: 900, to: 0 },
        { verdict: 'recreated', from: 900, to: 0 },
      ],
    )
  })
})
