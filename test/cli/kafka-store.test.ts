import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { startKafka, type KafkaCluster } from '../../lab/kafka.ts'
import { kafkajsConsumer } from '../store/kafka-consumers.ts'
import { commitRaw, GroupScene } from '../store/kafka-scene.ts'
import { tidemark, type Ended } from './command.ts'

describe('the verbs on the cluster’s own groups', { timeout: 240_000 }, () => {
  let kafka: KafkaCluster
  let scene: GroupScene
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-kafka-cli-'))

  const run = (...args: string[]): Promise<Ended> =>
    tidemark(args, { cwd: directory, env: { TIDEMARK_BOOTSTRAP_SERVER: kafka.bootstrapServers, TIDEMARK_STORE: 'kafka:' } })

  before(async () => {
    kafka = await startKafka()
    scene = await GroupScene.on(kafka)
    await scene.filled('orders', 150)
    await scene.admin.deleteRecords('orders', 0, 120)
  })

  after(async () => {
    await scene?.close()
    await kafka?.close()
    rmSync(directory, { recursive: true })
  })

  const commit = (group: string, offset: bigint) => commitRaw(kafka, group, { topic: 'orders', partition: 0, offset })

  it('check, repair, explain and ledger: what is wrong is found, moved, and accounted for in the ledger file', async () => {
    await commit('billing', 100n)
    const found = await run('check', '--group', 'billing')
    assert.equal(found.code, 3)
    assert.match(found.stdout, /^billing +classic +orders +0 +100 +120 +150 +50 +expired +the offset 100 is below the log start 120/m)
    assert.equal(existsSync(join(directory, 'tidemark.db')), false, 'check creates nothing')
    const repaired = await run('repair', '--group', 'billing', '--ledger', './moves.db', '--execute')
    assert.deepEqual([repaired.code, repaired.stderr], [0, 'moved 1 of 1 partitions; at most 20 records skipped and 0 read again\n'])
    assert.equal(existsSync(join(directory, 'moves.db')), true)
    const explained = await run('explain', 'billing', 'orders', '0')
    assert.equal(explained.code, 0)
    assert.match(explained.stdout, /committed offset +120\n +leader epoch +0\n +topic ID +[-\w]+\n +cluster ID +[-\w]+\n/)
    const rows = await run('ledger', '--group', 'billing', '--ledger', './moves.db', '-o', 'csv')
    assert.match(rows.stdout, /billing,orders,0,expired,earliest,100,120,20,0,/)
    assert.equal((await run('ledger', '--group', 'billing')).stdout, '', 'another file is another ledger')
    assert.deepEqual(JSON.parse((await run('check', '--group', 'billing', '-o', 'json')).stdout).failures, [])
  })

  it('reset while a consumer is in the group is refused with its name, and the plan is printed all the same', async () => {
    await commit('busy', 130n)
    const consumer = await kafkajsConsumer(kafka, 'busy', 'orders')
    const move = ['reset', '--group', 'busy', '--topic', 'orders', '--to-offset', '140']
    const preview = await run(...move)
    const { code, stdout, stderr } = await run(...move, '--execute')
    await consumer.close()
    assert.equal(preview.code, 0)
    assert.match(preview.stderr, /it would be refused now: the group has live members: kafka-consumer billing-app-/)
    assert.equal(code, 1)
    assert.match(stdout, /^busy +orders +0 +130 +140 /m)
    assert.match(
      stderr,
      /GROUP_ACTIVE: the group has live members: kafka-consumer billing-app-[-\w]+ \(client ID billing-app\) on 127\.0\.0\.1/,
    )
  })

  it('check --all-groups shows every group’s rows, also beside one that is corrupt', async () => {
    await commit('corrupt', -5n)
    await commit('sound', 150n)
    const { code, stdout } = await run('check', '--all-groups')
    assert.equal(code, 3)
    assert.match(stdout, /^corrupt +classic +orders +0 +- .*the stored value "-5" is no offset: it is negative$/m)
    assert.match(stdout, /^sound +classic +orders +0 +150 .*valid /m)
  })

  it('run is refused by name before anything is written: a group fences nobody from outside', async () => {
    writeFileSync(join(directory, 'handler.mjs'), 'export default async () => {}')
    await commit('job', 130n)
    const { code, stderr } = await run('run', '--group', 'job', '--topic', 'orders', '--handler', './handler.mjs', '--until-end')
    assert.equal(code, 1)
    assert.match(stderr, /STORE_UNSUPPORTED: a Kafka group fences nobody from outside.*Give the job another store/)
    assert.deepEqual(await scene.committed('job'), [{ topic: 'orders', partition: 0, offset: 130n, leaderEpoch: -1, metadata: '' }])
  })

  it('kafka://host:port names the cluster itself; a name that is no address is refused', async () => {
    await commit('elsewhere', 130n)
    const there = await run('check', '--group', 'elsewhere', '--store', `kafka://${kafka.bootstrapServers}`, '-o', 'csv')
    assert.match(there.stdout, /elsewhere,classic,orders,0,130,120,150,20,valid/)
    for (const url of ['kafka:billing', 'kafka://', 'kafka://host:9092?x=1']) {
      const { code, stderr } = await run('check', '--group', 'elsewhere', '--store', url)
      assert.deepEqual([code, stderr.slice(0, 16)], [2, 'tidemark: USAGE:'], url)
    }
  })

  it('the ledger of kafka: is the cluster’s: without one it says that it is out of reach', async () => {
    const { code, stderr } = await run('ledger', '--group', 'billing', '--bootstrap-server', '127.0.0.1:1', '--timeout', '2s')
    assert.equal(code, 4)
    assert.match(stderr, /STORE_UNREACHABLE: no broker could be reached: 127\.0\.0\.1:1: connection refused/)
  })
})
