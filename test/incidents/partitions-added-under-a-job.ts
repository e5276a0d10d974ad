import type { Incident } from './incident.ts'

/** A topic is grown under a running job, and what is written to the new partition before the job notices it is not missed. */
export const partitionsAddedUnderAJob: Incident = {
  name: 'partitions added under a job',
  source: 'https://github.com/IBM/sarama/issues/1739',
  partition: 1,
  underAJob: true,
  async happens(scene) {
    await scene.createTopic()
    await scene.produce(10)
    const job = scene.startJob()
    await job.until(() => job.handled.length === 10)
    await scene.admin.addPartitions(scene.topic, 2)
    await scene.produce(20, { partition: 1 })
    await job.until(() => job.handled.length === 30)
    await job.stop()
  },
  verdict: 'valid',
  evidence: ['the offset 20 lies within the log, 0 to 20'],
  repairedTo: null,
  spark: 'reads the new partition from its beginning',
}
