import assert from 'node:assert/strict'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { dstreamCommand } from '../../lab/dstream.ts'
import { waitFor } from '../../lab/wait.ts'
import { servers } from '../cli/servers.ts'
import { kill, PARTITIONS, ReportingJob } from '../engines/reporting-job.ts'

const SPARK_MS = 180_000

describe('guard of a Java DStream job, its offsets in ZooKeeper, Spark 3.5.1', () => {
  const at = servers()
  let job: ReportingJob
  /** Where the store stood when something was killed: what a job did beyond it may be done again. */
  const stoodAt: number[][] = []

  before(async () => {
    const classes = join(at().directory, 'classes')
    job = new ReportingJob(at(), await dstreamCommand(classes, at().kafka.bootstrapServers, join(at().directory, 'sink')))
    await at().admin.createTopic('orders', { partitions: PARTITIONS.length })
  })

  async function someProgress(): Promise<void> {
    const before = await job.stored()
    await waitFor('some batches', async () => (await job.stored()).every((offset, index) => offset > (before[index] ?? 0)), SPARK_MS)
  }

  it('survives kill -9 of the job, of Tidemark and of both: no id is missing, and twice come only those that were not reported yet', async () => {
    await job.produce(2_000)
    for (const victim of ['job', 'guard', 'both'] as const) {
      const running = job.guard()
      await someProgress()
      await kill(victim, running)
      stoodAt.push(await job.stored())
      await job.produce(300)
    }
    const last = job.guard()
    await waitFor('everything to be done', () => job.isDone(), SPARK_MS)
    last.process.kill('SIGTERM')
    const { stderr } = await last.ended
    for (const partition of PARTITIONS) {
      const ids = job.handled(partition)
      assert.deepEqual(new Set(ids), new Set(Array.from({ length: job.produced }, (_, index) => index)), stderr)
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
    await job.produce(100)
    await at().admin.deleteRecords('orders', 0, job.produced - 40)
    const running = job.guard()
    await waitFor('everything to be done', () => job.isDone(), SPARK_MS)
    running.process.kill('SIGTERM')
    const { stderr } = await running.ended
    assert.match(stderr, new RegExp(`orders-0 was expired: moved from ${job.produced - 100} to ${job.produced - 40}`))
    assert.deepEqual(job.handled(0).slice(-41), [
      job.produced - 101,
      ...Array.from({ length: 40 }, (_, index) => job.produced - 40 + index),
    ])
  })
})
