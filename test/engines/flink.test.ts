import assert from 'node:assert/strict'
import { join } from 'node:path'
import { before, describe, it } from 'node:test'
import { exampleCommand } from '../../lab/engines.ts'
import { waitFor } from '../../lab/wait.ts'
import { servers } from '../cli/servers.ts'
import { kill, PARTITIONS, ReportingJob } from './reporting-job.ts'

const FLINK_MS = 180_000

/** The ids from one on. */
function ids(count: number, first = 0): number[] {
  return Array.from({ length: count }, (_, index) => first + index)
}

describe('a Flink job, its offsets in ZooKeeper', () => {
  const at = servers()
  let command: readonly string[]
  let job: ReportingJob

  before(async () => {
    const java = await exampleCommand('flink', 'OrdersJob', join(at().directory, 'classes'))
    command = [...java, at().kafka.bootstrapServers, join(at().directory, 'sink')]
    job = new ReportingJob(at(), command)
    await at().admin.createTopic('orders', { partitions: PARTITIONS.length })
  })

  it('survives kill -9 of the job, of guard and of both: each start goes on from what was reported, so that no id is missing', async () => {
    /** Of each partition, where every start began in the order of what was handled, and with which id. */
    const starts = PARTITIONS.map(() => [{ index: 0, id: 0 }])
    for (const victim of ['job', 'guard', 'both'] as const) {
      const running = job.guard()
      await job.produce(200)
      await waitFor('a checkpoint', async () => (await job.stored()).every((offset) => offset > job.produced - 200), FLINK_MS)
      await job.produce(100)
      await waitFor('records that no checkpoint covers yet', () => PARTITIONS.every((one) => job.handled(one).at(-1) === job.produced - 1))
      await kill(victim, running)
      const stored = await job.stored()
      for (const partition of PARTITIONS) starts[partition]?.push({ index: job.handled(partition).length, id: stored[partition] ?? 0 })
    }
    const last = job.guard()
    await waitFor('everything to be done', () => job.isDone(), FLINK_MS)
    last.process.kill('SIGTERM')
    const { stderr } = await last.ended
    for (const partition of PARTITIONS) {
      const handled = job.handled(partition)
      assert.deepEqual(new Set(handled), new Set(ids(job.produced)), stderr)
      for (const [number, { index, id }] of (starts[partition] ?? []).entries()) {
        const lot = handled.slice(index, starts[partition]?.[number + 1]?.index)
        assert.deepEqual(lot, ids(lot.length, id), `start ${number} of partition ${partition}`)
      }
    }
  })

  it('dies of its offsets when the topic is made anew while it runs, and is started again where the new log begins', async () => {
    const running = job.guard()
    await job.produce(50)
    await waitFor('the job to run', () => job.isDone(), FLINK_MS)
    const before = PARTITIONS.map((partition) => job.handled(partition).length)
    await at().admin.recreateTopic('orders', { partitions: PARTITIONS.length })
    const anew = new ReportingJob(at(), command)
    await anew.produce(50)
    await waitFor('the new topic to be done', () => anew.isDone(), FLINK_MS)
    running.process.kill('SIGTERM')
    const { stderr } = await running.ended
    for (const partition of PARTITIONS) {
      assert.match(stderr, new RegExp(`orders-${partition} was recreated: moved from ${job.produced} to 0`))
      // From 0 on, and whatever it had not reported when it died once more, again.
      const handled = anew.handled(partition).slice(before[partition])
      assert.equal(handled[0], 0)
      assert.deepEqual(new Set(handled), new Set(ids(50)))
    }
  })

  it('is a batch under step: killed before the save it does the same ranges again, up to a marker that no record follows', async () => {
    await at().filled('batches', { partitions: 2, records: 30 })
    await at().admin.transact('kept', [{ topic: 'batches', partition: 1, value: '1.30' }], 'commit')
    const words = ['step', '--group', 'lake', '--topic', 'batches', '--max-records', '100', '--', 'sh', '-c']
    const killed = await at().tidemark(...words, `${command.join(' ')} && kill -9 $PPID`)
    assert.equal(killed.signal, 'SIGKILL', killed.stderr)
    const again = await at().tidemark(...words, command.join(' '))
    assert.equal(again.code, 0, again.stderr)
    assert.match(again.stderr, /doing again what was planned before the last stop: 62 offsets: batches-0 \[0, 30\), batches-1 \[0, 32\)/)
    assert.deepEqual(job.handled(0, 'batches'), [...ids(30), ...ids(30)])
    assert.deepEqual(job.handled(1, 'batches'), [...ids(31), ...ids(31)])
  })
})
