import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { LabAdmin } from '../../lab/admin.ts'
import { format, kafkaId } from '../../lab/kafka-format.ts'
import { startKafka } from '../../lab/kafka.ts'
import { connect } from '../../src/index.ts'
import type { Incident } from './incident.ts'

/** The cluster under a running job is set up anew at the same address, as a container without its volume is: the job stops, and takes nothing there for its own. */
export const clusterRebuiltUnderAJob: Incident = {
  name: 'another cluster at the same address under a job',
  source: 'https://github.com/snowflakedb/snowflake-kafka-connector/issues/820',
  underAJob: true,
  async happens(scene) {
    const { topic } = scene
    const kafka = await startKafka()
    const admin = new LabAdmin(kafka.bootstrapServers)
    scene.log = await connect({ bootstrapServers: kafka.bootstrapServers })
    scene.onEnd(() => Promise.all([scene.log.close(), admin.close(), kafka.close()]))
    const write = (count: number) =>
      admin.produce(Array.from({ length: count }, (_, offset) => ({ topic, partition: 0, value: `there ${offset}` })))

    const topicId = await admin.createTopic(topic)
    scene.topics.push({ topicId, since: Date.now() })
    await write(50)
    scene.orders.push(...Array.from({ length: 50 }, (_, offset) => ({ id: `there ${offset}`, topicId, partition: 0, offset })))
    const job = scene.startJob()
    await job.until(() => job.handled.length === 50)

    const [broker, clusterId] = [kafka.broker(), kafkaId()]
    scene.clusterIds.push(kafka.clusterId, clusterId)
    await broker.kill()
    rmSync(broker.dataDir, { recursive: true })
    await format(broker.dataDir, broker.id, clusterId)
    await broker.start()
    await admin.createTopic(topic)
    await write(80)
    assert.equal(await job.failure(), 'POLICY_FAIL')
  },
  verdict: 'foreign',
  evidence: ['the offset was stored for the cluster C2, and this is C3'],
  repairedTo: null,
  spark: 'fails the query (failOnDataLoss=true), or goes on with a warning',
}
