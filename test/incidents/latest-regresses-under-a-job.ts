import type { Incident } from './incident.ts'
import { bringBack, failOver } from './latest-regresses.ts'

/** The same under a running job: it waits until the new leader knows how far the log is committed, and goes on where it was. */
export const latestRegressesUnderAJob: Incident = {
  name: 'latest regresses for a moment in a failover under a job',
  source: 'https://github.com/apache/spark/pull/23324',
  underAJob: true,
  async happens(scene) {
    await scene.createTopic({ replicas: [[1, 2, 3]] })
    await scene.produce(40)
    const job = scene.startJob()
    await job.until(() => job.handled.length === 40)
    await scene.produce(1)
    await job.until(() => job.handled.length === 41)
    await scene.kafka.broker(1).kill()
    await failOver(scene)
    await scene.produce(20)
    await job.until(() => job.handled.length === 61)
    await job.stop()
  },
  mends: bringBack,
  verdict: 'valid',
  evidence: ['the offset 61 lies within the log, 0 to 61'],
  repairedTo: null,
  spark: 'asks again up to three times (SPARK-26267)',
}
