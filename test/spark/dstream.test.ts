import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { dstreamCommand } from '../../lab/dstream.ts'
import { waitFor } from '../../lab/wait.ts'
import { start, type Running } from '../cli/command.ts'
import { servers } from '../cli/servers.ts'

const SPARK_MS = 180_000
const PARTITIONS = [0, 1, 2]

describe('guard of a Java DStream job, its offsets in ZooKeeper, Spark 3.5.1', () => {
  const at = servers()
  let command: readonly string[]
  let produced = 0
  /** Where the store stood when something was killed: what a job did beyond it may be done again. */
  const stoodAt: number[][] = []

  before(async () => {
    command = await dstreamCommand(join(at().directory, 'classes'), at().kafka.bootstrapServers, join(at().directory, 'sink'))
    await at().admin.createTopic('orders', { partitions: PARTITIONS.length })
  })

  function guard(): Running {
    const settings = { TIDEMARK_BOOTSTRAP_SERVER: at().kafka.bootstrapServers, TIDEMARK_STORE: at().store }
    return start(['guard', '--group', 'billing', '--topic', 'orders', '--', ...command], { cwd: at().directory, env: settings })
  }

  async function produce(count: number): Promise<void> {
    for (const partition of PARTITIONS)
      await at().admin.produce(
        Array.from({ length: count }, (_, index) => ({ topic: 'orders', partition, value: `${partition}.${produced + index}` })),
      )
    produced += count
  }

  /** The ids of a partition, in the order in which they were handled. */
  function handled(partition: number): number[] {
    const file = join(at().directory, 'sink', `orders-${partition}`)
    const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []
    return lines.map((line) => Number(line.split('.')[1]))
  }

  /** The znodes of the old consumer: bare numbers. */
  async function stored(): Promise<number[]> {
    const get = async (partition: number) => Number((await at().stranger.get(`/consumers/billing/offsets/orders/${partition}`))?.data ?? 0)
    return Promise.all(PARTITIONS.map(get))
  }

  async function someProgress(): Promise<void> {
    const before = await stored()
    await waitFor('some batches', async () => (await stored()).every((offset, index) => offset > (before[index] ?? 0)), SPARK_MS)
  }

  function pidOfJob(running: Running): number {
    const guardPid = running.process.pid
    const children = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
    const job = children.find((pid) => {
      const file = `/proc/${pid}/status`
      const status = existsSync(file) ? readFileSync(file, 'utf8') : ''
      return status.includes(`PPid:\t${guardPid}\n`) && status.startsWith('Name:\tjava')
    })
    return Number(job)
  }

  it('survives kill -9 of the job, of Tidemark and of both: no id is missing, and twice come only those that were not reported yet', async () => {
    await produce(2_000)
    for (const victim of ['job', 'guard', 'both'] as const) {
      const running = guard()
      await someProgress()
      const job = pidOfJob(running)
      if (victim !== 'guard') process.kill(job, 'SIGKILL')
      if (victim !== 'job') running.process.kill('SIGKILL')
      const { code, signal, stderr } = await running.ended
      if (victim === 'job') assert.deepEqual([code, signal], [137, null], stderr)
      await waitFor('the job to end with its guard', () => !existsSync(`/proc/${job}`))
      stoodAt.push(await stored())
      await produce(300)
    }
    const last = guard()
    await waitFor('everything to be done', async () => (await stored()).every((offset) => offset === produced), SPARK_MS)
    last.process.kill('SIGTERM')
    const { stderr } = await last.ended
    for (const partition of PARTITIONS) {
      const ids = handled(partition)
      assert.deepEqual(new Set(ids), new Set(Array.from({ length: produced }, (_, index) => index)), stderr)
      const again = ids.filter((id, index) => ids.indexOf(id) !== index)
      const after = stoodAt.map((offsets) => offsets[partition] ?? 0)
      // A batch of 100 was in hand at each kill, and another one may not have been saved yet.
      for (const id of again)
        assert.ok(
          after.some((offset) => id >= offset && id < offset + 300),
          `${partition}.${id} came again, and the store stood at ${after.join(', ')}`,
        )
    }
  })

  it('begins where the log begins when its offsets expired, and says so in the ledger', async () => {
    await produce(100)
    await at().admin.deleteRecords('orders', 0, produced - 40)
    const running = guard()
    await waitFor('everything to be done', async () => (await stored()).every((offset) => offset === produced), SPARK_MS)
    running.process.kill('SIGTERM')
    const { stderr } = await running.ended
    assert.match(stderr, new RegExp(`orders-0 was expired: moved from ${produced - 100} to ${produced - 40}`))
    assert.deepEqual(handled(0).slice(-41), [produced - 101, ...Array.from({ length: 40 }, (_, index) => produced - 40 + index)])
  })
})
