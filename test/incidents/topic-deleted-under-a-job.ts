import assert from 'node:assert/strict'
import type { Incident } from './incident.ts'

/** The topic is deleted under a running job: it says so, keeps the offset as it is, and does not make the topic anew by asking for it. */
export const topicDeletedUnderAJob: Incident = {
  name: 'topic deleted under a job',
  source: 'https://github.com/pinterest/secor/issues/126',
  underAJob: true,
  async happens(scene) {
    await scene.createTopic()
    await scene.produce(30)
    const job = scene.startJob()
    await job.until(() => job.handled.length === 30)
    await scene.admin.deleteTopic(scene.topic)
    await job.until(() => job.notices.some(({ kind, text }) => kind === 'lost' && text.includes('is orphaned and kept as it is')))
    await job.stop()
    const [topic] = await scene.log.topics([scene.topic])
    assert.equal(topic?.state, 'absent')
  },
  verdict: 'orphaned',
  evidence: ['the cluster has no topic orders'],
  repairedTo: null,
  spark: 'fails the query (failOnDataLoss=true), or waits with a warning',
}
