import type { Incident } from './incident.ts'

/** A topic is made anew with fewer partitions under a running job: it reads the two from their beginning, and says of the third that it is no more. */
export const fewerPartitionsUnderAJob: Incident = {
  name: 'recreated with fewer partitions under a job',
  source: 'https://github.com/confluentinc/librdkafka/issues/4823',
  partition: 2,
  underAJob: true,
  async happens(scene) {
    await scene.createTopic({ partitions: 3 })
    for (const partition of [0, 1, 2]) await scene.produce(10, { partition })
    const job = scene.startJob()
    await job.until(() => job.handled.length === 30)
    await scene.createTopic({ partitions: 2 })
    for (const partition of [0, 1]) await scene.produce(15, { partition })
    await job.until(() => job.handled.length === 60)
    await job.until(() => job.notices.some(({ kind, partition, text }) => kind === 'lost' && partition === 2 && text.includes('orphaned')))
    await job.stop()
  },
  verdict: 'orphaned',
  evidence: [
    'the topic orders has 2 partitions, and no partition 2',
    "the offset was stored for the topic ID T1, and the topic's is T2: it was deleted and made anew",
  ],
  repairedTo: null,
  spark: 'fails the query (failOnDataLoss=true), or drops the partition with a warning',
}
