// Real queries of real Spark, stopped, moved by the command line, and started again: what they read then is compared with what they should.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { LabAdmin } from '../../lab/admin.ts'
import { startHdfs } from '../../lab/hdfs.ts'
import { startKafka, type KafkaCluster } from '../../lab/kafka.ts'
import type { SparkVersion } from '../../lab/spark.ts'
import { tidemark, type Ended } from '../cli/command.ts'
import { temporaryDirectory } from '../store/temporary.ts'
import { Queries, type Query } from './moved-queries.ts'

let kafka: KafkaCluster
let admin: LabAdmin
const directory = temporaryDirectory()

before(async () => {
  kafka = await startKafka()
  admin = new LabAdmin(kafka.bootstrapServers)
})
after(async () => {
  await admin.close()
  await kafka.close()
})

/** A query with a topic or two, a checkpoint and a sink of its own. */
class Scene {
  readonly query: Query
  readonly #name: string

  constructor(name: string, options: Partial<Query> = {}) {
    const folder = join(directory, name)
    mkdirSync(folder)
    this.#name = name
    this.query = { do: 'run', topics: [name], sink: 'lines', checkpoint: join(folder, 'checkpoint'), out: join(folder, 'out'), ...options }
  }

  async produce(records: number, topic = this.#name): Promise<void> {
    await admin.produce([0, 1].flatMap((partition) => Array.from({ length: records }, () => ({ topic, partition, value: 'x' }))))
  }

  /** `topic partition offset` of what was written since the last call. */
  takeLines(): string[] {
    if (!existsSync(this.query.out)) return []
    const lines = readFileSync(this.query.out, 'utf8').trim().split('\n')
    rmSync(this.query.out)
    return lines.toSorted()
  }

  tidemark(verb: string, ...args: string[]): Promise<Ended> {
    const where = ['--bootstrap-server', kafka.bootstrapServers, '--store', `spark-checkpoint:${this.query.checkpoint}`]
    return tidemark([verb, ...where, '--ledger', join(directory, 'ledger.db'), '--group', this.#name, ...args])
  }

  /** Batches, and which of them are committed. */
  batches(): { offsets: number; commits: number } {
    const newest = (folder: string): number =>
      Math.max(...readdirSync(join(this.query.checkpoint, folder)).map(Number).filter(Number.isInteger))
    return { offsets: newest('offsets'), commits: newest('commits') }
  }
}

/** What a query writes that reads these offsets, from the first up to the last without it, in both partitions. */
function lines(topic: string, from: number, until: number): string[] {
  const offsets = Array.from({ length: until - from }, (_, index) => from + index)
  return [0, 1].flatMap((partition) => offsets.map((offset) => `${topic} ${partition} ${offset}`)).toSorted()
}

function assertEnded({ code, stdout, stderr }: Ended, expected: number): void {
  assert.equal(code, expected, `${stdout}${stderr}`)
}

/** Spark 4.2.0 can't start again from a first batch that was planned and not committed, where that is in a log of version 2. */
const version1 = { 'spark.sql.streaming.offsetLog.formatVersion': '1' }

/** Stopped queries of one version of Spark, moved and started again. */
export function testMoves(version: SparkVersion, conf: Query['conf']): void {
  describe(`a query of Spark ${version}`, { timeout: 400_000 }, () => {
    const prefix = `v${version.replaceAll('.', '-')}`
    let spark: Queries
    before(async () => {
      spark = await Queries.start(version, kafka.bootstrapServers)
    })
    after(() => spark.close())

    it('moved back and forth reads exactly what it should, none lost, none twice', async () => {
      const scene = new Scene(`${prefix}-moved`, { conf })
      await admin.createTopic(`${prefix}-moved`, { partitions: 2 })
      await scene.produce(100)
      await spark.do(scene.query)
      assert.deepEqual(scene.takeLines(), lines(`${prefix}-moved`, 0, 100))

      assertEnded(await scene.tidemark('reset', '--shift-by', '-10', '--execute'), 0)
      await spark.do(scene.query)
      assert.deepEqual(scene.takeLines(), lines(`${prefix}-moved`, 90, 100))

      await scene.produce(20)
      assertEnded(await scene.tidemark('reset', '--to-latest', '--execute'), 0)
      await scene.produce(5)
      await spark.do(scene.query)
      assert.deepEqual(scene.takeLines(), lines(`${prefix}-moved`, 120, 125))
      const { offsets, commits } = scene.batches()
      assert.equal(offsets, commits)
      const ledger = JSON.parse((await scene.tidemark('ledger', '-o', 'json')).stdout) as {
        rows: { action: string; from: number; to: number }[]
      }
      const moves = ledger.rows.map(({ action, from, to }) => [action, from, to])
      const explained = await scene.tidemark('explain', `${prefix}-moved`, `${prefix}-moved`, '0')
      assertEnded(explained, 0)
      assert.match(explained.stdout, /committed offset +125/)
      const refused = await scene.tidemark('run', '--topic', `${prefix}-moved`, '--exec', 'cat')
      assertEnded(refused, 1)
      assert.match(refused.stderr, /STORE_UNSUPPORTED: a Spark checkpoint takes no progress of a job of Tidemark’s: Spark saves its own/)
      assert.deepEqual(moves, [
        ['shift-by', 100, 90],
        ['shift-by', 100, 90],
        ['to-latest', 100, 120],
        ['to-latest', 100, 120],
      ])
    })

    it('whose offsets expired goes on after a repair; and again after one when its topic was made anew and grew past them', async () => {
      const topic = `${prefix}-repaired`
      const scene = new Scene(topic, { conf })
      await admin.createTopic(topic, { partitions: 2 })
      await scene.produce(50)
      await spark.do(scene.query)
      scene.takeLines()
      await scene.produce(50)
      for (const partition of [0, 1]) await admin.deleteRecords(topic, partition, 70)
      const checked = await scene.tidemark('check')
      assertEnded(checked, 3)
      assert.match(checked.stdout, /expired/)
      assertEnded(await scene.tidemark('repair', '--execute'), 0)
      assertEnded(await scene.tidemark('check'), 0)
      await admin.recreateTopic(topic, { partitions: 2 })
      await scene.produce(80)
      assert.match((await scene.tidemark('check')).stdout, /recreated/)
      assertEnded(await scene.tidemark('repair', '--execute'), 0)
      await spark.do(scene.query)
      assert.deepEqual(scene.takeLines(), lines(topic, 0, 80))
      assertEnded(await scene.tidemark('repair', '--execute'), 0)
    })

    it('that died of its expired offsets, a batch planned over them, is refused until Spark has run that batch without failOnDataLoss', async () => {
      const topic = `${prefix}-expired`
      const scene = new Scene(topic, { conf: version1 })
      await admin.createTopic(topic, { partitions: 2 })
      await scene.produce(10)
      await spark.do(scene.query)
      scene.takeLines()
      await scene.produce(20)
      for (const partition of [0, 1]) await admin.deleteRecords(topic, partition, 25)
      await assert.rejects(async () => spark.do(scene.query), /data (may have been|was) lost|KAFKA_DATA_LOSS|DATA_LOSS|out of range/i)
      const refused = await scene.tidemark('repair', '--execute')
      assert.match(refused.stderr, /CHECKPOINT_PLANNED: batch 1 is planned and not committed/)
      assertEnded(refused, 3)
      await spark.finish({ ...scene.query, options: { failOnDataLoss: 'false' } })
      assert.deepEqual(scene.takeLines(), lines(topic, 25, 30))
      assertEnded(await scene.tidemark('reset', '--to-earliest', '--execute'), 0)
      await spark.do(scene.query)
      assert.deepEqual(scene.takeLines(), lines(topic, 25, 30))
    })

    it('that wrote its starting offsets down, and had no batch before they expired, begins nowhere else until its checkpoint is removed, as the hint says', async () => {
      const [topic, late] = [`${prefix}-unplanned`, `${prefix}-late`]
      const scene = new Scene(topic, { conf: version1, topics: [topic, late] })
      await admin.createTopic(topic, { partitions: 2 })
      await scene.produce(30)
      // It has asked its first source where to begin when it finds that there is nothing for its second.
      await assert.rejects(async () => spark.do(scene.query), /UnknownTopicOrPartition|does not host this topic-partition/)
      const { checkpoint } = scene.query
      assert.ok(existsSync(join(checkpoint, 'sources/0/0')) && !existsSync(join(checkpoint, 'offsets/0')))
      await admin.createTopic(late, { partitions: 2 })
      for (const partition of [0, 1]) await admin.deleteRecords(topic, partition, 25)
      const refused = await scene.tidemark('repair', '--execute')
      assertEnded(refused, 3)
      assert.match(
        refused.stderr,
        /CHECKPOINT_READ_ONLY: .* which count instead of startingOffsets .*remove the checkpoint, and the query begins at its startingOffsets/,
      )
      const options = { startingOffsets: JSON.stringify({ [topic]: { 0: 25, 1: 25 } }) }
      const begun = { ...scene.query, topics: [topic], options }
      await assert.rejects(async () => spark.do(begun), /data (may have been|was) lost|KAFKA_DATA_LOSS|DATA_LOSS|out of range/i)
      rmSync(checkpoint, { recursive: true })
      await spark.do(begun)
      assert.deepEqual(scene.takeLines(), lines(topic, 25, 30))
    })

    it('of two sources is moved in both, each in its own', async () => {
      const [one, two] = [`${prefix}-one`, `${prefix}-two`]
      const scene = new Scene(one, { conf, topics: [one, two] })
      for (const topic of [one, two]) {
        await admin.createTopic(topic, { partitions: 2 })
        await scene.produce(30, topic)
      }
      await spark.do(scene.query)
      assert.deepEqual(scene.takeLines(), [...lines(one, 0, 30), ...lines(two, 0, 30)])
      assertEnded(await scene.tidemark('reset', '--topic', two, '--to-offset', '25', '--execute'), 0)
      await spark.do(scene.query)
      assert.deepEqual(scene.takeLines(), lines(two, 25, 30))
    })

    it('that keeps state, or has a file sink, is refused, and its output stays readable', async () => {
      for (const [sink, code] of [
        ['stateful', 'CHECKPOINT_STATEFUL'],
        ['parquet', 'CHECKPOINT_FILE_SINK'],
      ] as const) {
        const topic = `${prefix}-${sink}`
        const scene = new Scene(topic, { sink, conf })
        await admin.createTopic(topic, { partitions: 2 })
        await scene.produce(10)
        await spark.do(scene.query)
        const before = scene.batches()
        for (const args of [[], ['--execute']]) {
          const refused = await scene.tidemark('reset', '--to-earliest', ...args)
          assertEnded(refused, 3)
          assert.match(refused.stderr, new RegExp(`${code}: `))
        }
        assert.deepEqual(scene.batches(), before)
        await scene.produce(10)
        await spark.do(scene.query)
        if (sink === 'parquet') assert.equal(((await spark.do({ do: 'read', out: scene.query.out })) as unknown[]).length, 40)
      }
    })

    it('that died in a batch is refused until Spark has finished that batch, and then moved', async () => {
      const topic = `${prefix}-died`
      const scene = new Scene(topic, { conf: version1 })
      await admin.createTopic(topic, { partitions: 2 })
      await scene.produce(10)
      await spark.do(scene.query)
      scene.takeLines()
      await scene.produce(10)
      await assert.rejects(async () => spark.do({ ...scene.query, sink: 'failing' }), /fails as it was told to/)
      const refused = await scene.tidemark('reset', '--to-earliest', '--execute')
      assertEnded(refused, 3)
      assert.match(refused.stderr, /CHECKPOINT_PLANNED: batch 1 is planned and not committed: a query runs, or died in it/)
      await spark.finish(scene.query)
      assert.deepEqual(scene.takeLines(), lines(topic, 10, 20))
      assertEnded(await scene.tidemark('reset', '--to-offset', '18', '--execute'), 0)
      await spark.do(scene.query)
      assert.deepEqual(scene.takeLines(), lines(topic, 18, 20))
    })

    it('that runs idle can’t be seen: it fails at its next batch, and goes on from the move once it is started again', async () => {
      const topic = `${prefix}-live`
      const scene = new Scene(topic, { conf })
      await admin.createTopic(topic, { partitions: 2 })
      await scene.produce(10)
      await spark.do({ ...scene.query, do: 'start' })
      await spark.do({ do: 'idle' })
      assert.deepEqual(scene.takeLines(), lines(topic, 0, 10))
      assertEnded(await scene.tidemark('reset', '--to-offset', '8', '--execute'), 0)
      await scene.produce(1)
      await assert.rejects(async () => spark.do({ do: 'failure' }), /concurren|multiple streaming quer/i)
      assert.deepEqual(scene.takeLines(), [])
      await spark.do(scene.query)
      assert.deepEqual(scene.takeLines(), lines(topic, 8, 11))
    })
  })
}

/** The same with a checkpoint on HDFS. */
export function testMovesOnHdfs(): void {
  describe('a query whose checkpoint is on HDFS', { timeout: 240_000 }, () => {
    it('is moved there by WebHDFS, and goes on from the move', async () => {
      await using hdfs = await startHdfs()
      using spark = await Queries.start('4.1.1', kafka.bootstrapServers)
      const scene = new Scene('on-hdfs', { checkpoint: `hdfs://${hdfs.rpcAddress}/queries/on-hdfs` })
      const where = ['--store', `spark-checkpoint:hdfs://${hdfs.address}/queries/on-hdfs`]
      await admin.createTopic('on-hdfs', { partitions: 2 })
      await scene.produce(30)
      await spark.do(scene.query)
      assert.deepEqual(scene.takeLines(), lines('on-hdfs', 0, 30))
      assertEnded(await scene.tidemark('check', ...where), 0)
      assertEnded(await scene.tidemark('reset', ...where, '--to-offset', '25', '--execute'), 0)
      await spark.do(scene.query)
      assert.deepEqual(scene.takeLines(), lines('on-hdfs', 25, 30))
      assert.match((await scene.tidemark('ledger', ...where)).stdout, /to-offset +30 +25/)
    })
  })
}
