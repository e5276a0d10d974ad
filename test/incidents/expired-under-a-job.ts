import type { Incident } from './incident.ts'

/** Records are removed under a running job that is slower than its producers. */
export const expiredUnderAJob: Incident = {
  name: 'expired under a job',
  source: 'https://github.com/tulios/kafkajs/issues/1119',
  underAJob: true,
  async happens(scene) {
    await scene.createTopic()
    await scene.produce(10)
    const gate = Promise.withResolvers<void>()
    const job = scene.startJob({ maxRecords: 10, maxBytes: 500, before: () => gate.promise })
    await job.until(() => job.batches > 0)
    await scene.produce(2_990, { keyBytes: 200 }) // more than it reads ahead
    await scene.admin.deleteRecords(scene.topic, 0, 2_990)
    gate.resolve()
    await job.until(() => job.handled.at(-1)?.offset === 2_999)
    await job.stop()
  },
  verdict: 'expired',
  evidence: ['the offset 510 is below the log start 2990: at most 2480 records were removed before they were read'],
  repairedTo: 2_990,
  spark: 'fails the query (failOnDataLoss=true), or goes on with a warning',
}
