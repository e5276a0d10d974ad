import { LabAdmin } from '../../lab/admin.ts'
import { startKafka } from '../../lab/kafka.ts'
import { connect } from '../../src/index.ts'
import type { Incident } from './incident.ts'

/** The job's address is switched to a copy of the cluster, where the same offset is another record. */
export const anotherCluster: Incident = {
  name: 'another cluster',
  source: 'https://github.com/snowflakedb/snowflake-kafka-connector/issues/820',
  async happens(scene) {
    const { topic } = scene
    await using other = await startKafka()
    await using admin = new LabAdmin(other.bootstrapServers)
    await using log = await connect({ bootstrapServers: other.bootstrapServers })
    scene.clusterIds.push(other.clusterId)
    await admin.createTopic(topic)
    await admin.produce(Array.from({ length: 50 }, (_, n) => ({ topic, partition: 0, value: `there ${n}` })))
    await scene.createTopic()
    await scene.produce(80)
    await scene.read(log)
  },
  verdict: 'foreign',
  evidence: ['the offset was stored for the cluster C2, and this is C1'],
  repairedTo: null,
  spark: 'reads on from 50, in the middle of another log, without a word',
}
