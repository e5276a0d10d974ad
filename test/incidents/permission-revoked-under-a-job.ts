import type { Incident } from './incident.ts'

/** The right to see the topic is taken away under a running job, and given back: it waits, says for what, and goes on where it was. */
export const permissionRevokedUnderAJob: Incident = {
  name: 'permission revoked under a job',
  source: 'https://github.com/redpanda-data/kminion/issues/40',
  underAJob: true,
  async happens(scene) {
    await scene.createTopic()
    await scene.produce(10)
    const job = scene.startJob()
    await job.until(() => job.handled.length === 10)
    await scene.lockOut()
    await job.until(() => job.notices.some(({ kind, text }) => kind === 'waiting' && text.includes('TOPIC_AUTHORIZATION_FAILED')))
    await scene.letIn()
    await scene.produce(10)
    await job.until(() => job.handled.length === 20)
    await job.stop()
  },
  verdict: 'valid',
  evidence: ['the offset 20 lies within the log, 0 to 20'],
  repairedTo: null,
  spark: 'fails the query: TopicAuthorizationException',
}
