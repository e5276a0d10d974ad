import type { Incident } from './incident.ts'

/** A topic is made anew with fewer partitions than it had: one that the group has an offset of is no more. */
export const recreatedWithFewerPartitions: Incident = {
  name: 'recreated with fewer partitions',
  source: 'https://github.com/confluentinc/librdkafka/issues/4823',
  partition: 2,
  async happens(scene) {
    await scene.createTopic({ partitions: 3 })
    for (const partition of [0, 1, 2]) await scene.produce(10, { partition })
    await scene.read()
    await scene.createTopic({ partitions: 2 })
  },
  verdict: 'orphaned',
  evidence: [
    'the topic orders has 2 partitions, and no partition 2',
    "the offset was stored for the topic ID T1, and the topic's is T2: it was deleted and made anew",
  ],
  repairedTo: null,
  spark: 'fails the query (failOnDataLoss=true), or drops the partition with a warning',
}
