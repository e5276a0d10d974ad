import type { Incident } from './incident.ts'

/** A topic is made anew under a running job: its old offset means nothing any more, and the new topic is read from its beginning. */
export const recreatedUnderAJob: Incident = {
  name: 'recreated under a job',
  source: 'https://github.com/confluentinc/librdkafka/issues/1582',
  underAJob: true,
  async happens(scene) {
    await scene.createTopic()
    await scene.produce(30)
    const job = scene.startJob()
    await job.until(() => job.handled.length === 30)
    await scene.createTopic()
    await scene.produce(50)
    await job.until(() => job.handled.length === 80)
    await job.stop()
  },
  verdict: 'recreated',
  evidence: ["the offset was stored for the topic ID T1, and the topic's is T2: it was deleted and made anew"],
  repairedTo: 0,
  spark: 'fails the query (failOnDataLoss=true), or goes on from 50 with a warning',
}
