import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { sparkEnvironment } from '../../lab/spark.ts'
import { sparkJar, startSparkCluster, type SparkCluster } from '../../lab/spark-cluster.ts'
import { start, type Ended } from '../cli/command.ts'
import { servers } from '../cli/servers.ts'

describe('guard of a streaming query whose driver runs in a cluster of Spark’s own', () => {
  const at = servers()
  let cluster: SparkCluster
  let jar: string
  before(async () => {
    cluster = await startSparkCluster('4.1.1')
    jar = await sparkJar('4.1.1', join(import.meta.dirname, 'StreamingQuery.java'), join(at().directory, 'jar'))
  })
  after(() => cluster.close())

  /** Submits the query and follows its checkpoint, which the driver and we both see. */
  async function guard(): Promise<Ended> {
    const [checkpoint, sink] = [join(at().directory, 'checkpoint'), join(at().directory, 'sink')]
    const settings = { TIDEMARK_BOOTSTRAP_SERVER: at().kafka.bootstrapServers, TIDEMARK_STORE: at().store }
    const cores = ['--driver-cores', '1', '--total-executor-cores', '1', '--executor-memory', '512m']
    const submit = [
      'spark-submit',
      '--master',
      cluster.url,
      '--deploy-mode',
      'cluster',
      '--conf',
      'spark.standalone.submit.waitAppCompletion=true',
      ...cores,
    ]
    const query = ['--class', 'StreamingQuery', jar, at().kafka.bootstrapServers, 'orders', checkpoint, sink, '{startingOffsets}']
    const words = ['guard', '--group', 'lake', '--topic', 'orders', '--checkpoint', checkpoint, '--', ...submit, ...query]
    return start(words, { cwd: at().directory, env: { ...settings, ...(await sparkEnvironment('4.1.1')) } }).ended
  }

  function ids(): string[] {
    return readFileSync(join(at().directory, 'sink'), 'utf8').split('\n').slice(0, -1)
  }

  async function stored(): Promise<string[]> {
    const get = async (partition: number) => String((await at().stranger.get(`/consumers/lake/offsets/orders/${partition}`))?.data)
    return Promise.all([get(0), get(1)])
  }

  it('begins where the store says, by its arguments, is followed from the submitting host, and moved when its offsets expired', async () => {
    await at().filled('orders', { partitions: 2, records: 150 })
    await at().commit('lake', 'orders', 0, '20')
    const first = await guard()
    assert.equal(first.code, 0, first.stderr)
    assert.deepEqual(await stored(), ['150', '150'])
    const all = (partition: number, from: number, until: number) =>
      Array.from({ length: until - from }, (_, index) => `${partition}.${from + index}`)
    assert.deepEqual(ids().toSorted(), [...all(0, 20, 150), ...all(1, 0, 150)].toSorted())

    const more = [0, 1].flatMap((partition) => all(partition, 150, 200).map((value) => ({ topic: 'orders', partition, value })))
    await at().admin.produce(more)
    await at().admin.deleteRecords('orders', 1, 190)
    const second = await guard()
    assert.equal(second.code, 0, second.stderr)
    assert.match(second.stderr, /orders-1 was expired: moved from 150 to 190/)
    assert.deepEqual(await stored(), ['200', '200'])
    assert.deepEqual(ids().toSorted(), [...all(0, 20, 200), ...all(1, 0, 150), ...all(1, 190, 200)].toSorted())
  })
})
