import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { sparkEnvironment } from '../../lab/spark.ts'
import { sparkJar, startSparkCluster } from '../../lab/spark-cluster.ts'
import { start } from '../cli/command.ts'
import { servers } from '../cli/servers.ts'

const examples = join(import.meta.dirname, '../../examples/spark')
const [source, submitting] = [join(examples, 'OrdersBatch.java'), join(examples, 'submit.sh')]

describe('tidemark step where the driver runs in the cluster', { timeout: 300_000 }, () => {
  const at = servers()

  it('gives it the offsets as arguments, and saves what the driver finished, not what was only submitted', async () => {
    await using cluster = await startSparkCluster('4.1.1')
    const jar = await sparkJar('4.1.1', source, at().directory)
    await at().filled('orders', { partitions: 2, records: 20 })
    const sink = join(at().directory, 'sink')
    const step = async (job: string) => {
      const submit = [submitting, '--master', cluster.url, '--conf', 'spark.executor.memory=512m', '--conf', 'spark.cores.max=1']
      const program = ['--class', job, `file://${jar}`, at().kafka.bootstrapServers, 'orders', `file://${sink}`]
      const words = ['step', '--group', 'cluster', '--topic', 'orders', '--max-records', '30', '--', ...submit, ...program]
      const env = {
        TIDEMARK_BOOTSTRAP_SERVER: at().kafka.bootstrapServers,
        TIDEMARK_STORE: at().store,
        ...(await sparkEnvironment('4.1.1')),
      }
      return start([...words, '{startingOffsets}', '{endingOffsets}'], { cwd: at().directory, env }).ended
    }
    const committed = async () => {
      const znodes = await at().znodes('/consumers/cluster/offsets/orders')
      return Object.values(znodes).slice(1)
    }

    const failed = await step('NoSuchJob')
    assert.equal(failed.code, 1, failed.stderr)
    assert.match(failed.stderr, /State of driver [^ ]+ is FAILED, exiting spark-submit JVM/)
    assert.deepEqual(await committed(), ['0', '0'])
    const done = await step('OrdersBatch')
    assert.equal(done.code, 0, done.stderr)
    assert.match(done.stderr, /doing again what was planned before the last stop: 30 offsets/)
    assert.deepEqual(await committed(), ['15', '15'])
    const files = readdirSync(sink, { recursive: true, encoding: 'utf8' }).filter((file) => /part-[^/]*\.txt$/.test(file))
    const ids = files.flatMap((file) => readFileSync(join(sink, file), 'utf8').split('\n').slice(0, -1))
    const expected = [0, 1].flatMap((partition) => Array.from({ length: 15 }, (_, offset) => `${partition}.${offset}`))
    assert.deepEqual(ids.toSorted(), expected.toSorted())
  })
})
