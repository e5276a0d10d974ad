import type { Incident } from './incident.ts'

/** A topic is grown while its job is down; what is written to the new partition before the job is back is not to be missed. */
export const partitionsAdded: Incident = {
  name: 'partitions added',
  source: 'https://github.com/IBM/sarama/issues/1739',
  partition: 1,
  async happens(scene) {
    await scene.createTopic()
    await scene.produce(10)
    await scene.read()
    await scene.admin.addPartitions(scene.topic, 2)
    await scene.produce(20, { partition: 1 })
  },
  verdict: 'missing',
  evidence: ['nothing is stored, and nothing says there ever was'],
  repairedTo: 0,
  spark: 'reads the new partition from its beginning',
}
