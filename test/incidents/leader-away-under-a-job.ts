import type { Incident } from './incident.ts'

/** The only broker that has the partition goes down under a running job, and comes back: the job waits, says for what, and goes on where it was. */
export const leaderAwayUnderAJob: Incident = {
  name: 'leader away under a job',
  source: 'https://github.com/Parsely/pykafka/issues/319',
  underAJob: true,
  async happens(scene) {
    await scene.createTopic({ replicas: [[2]] })
    await scene.produce(20)
    const job = scene.startJob()
    await job.until(() => job.handled.length === 20)
    await scene.kafka.broker(2).kill()
    await job.until(() => job.notices.some(({ kind, text }) => kind === 'waiting' && text.includes('NO_LEADER')))
    await scene.kafka.broker(2).start()
    await scene.ledBy(2)
    await scene.produce(20)
    await job.until(() => job.handled.length === 40)
    await job.stop()
  },
  mends: (scene) => scene.kafka.broker(2).start(),
  verdict: 'valid',
  evidence: ['the offset 40 lies within the log, 0 to 40'],
  repairedTo: null,
  spark: 'waits, then fails the query: TimeoutException',
}
