import type { Incident } from './incident.ts'

/** A producer aborts a transaction in the middle of what a running job reads: nobody is given its records, and the offset goes past them. */
export const abortedTransactionUnderAJob: Incident = {
  name: 'aborted transaction under a job',
  source: 'https://github.com/apache/druid/issues/5404',
  underAJob: true,
  async happens(scene) {
    const { topic } = scene
    await scene.createTopic()
    const job = scene.startJob()
    await scene.produce(5)
    await scene.admin.transact(
      `aborted ${topic}`,
      [1, 2, 3].map((n) => ({ topic, partition: 0, value: `never ${n}` })),
      'abort',
    )
    await scene.produce(5)
    await job.until(() => job.handled.length === 10)
    await job.stop()
  },
  verdict: 'valid',
  evidence: ['the offset 14 lies within the log, 0 to 14'],
  repairedTo: null,
  spark: 'nothing is wrong (kafka.isolation.level=read_committed; without it the aborted records are read)',
}
