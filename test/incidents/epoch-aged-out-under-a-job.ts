import assert from 'node:assert/strict'
import type { Incident } from './incident.ts'
import { uncleanElection } from './unclean-election.ts'

/** The same under a job that has read everything and waits for more: it stands behind an epoch that the broker does not know any more, and reads on. */
export const epochAgedOutUnderAJob: Incident = {
  name: 'stored epoch aged out of the epoch cache under a job',
  source: 'https://github.com/apache/kafka/pull/22558',
  underAJob: true,
  async happens(scene) {
    await scene.createTopic({ replicas: [[2]] })
    await scene.produce(40)
    const job = scene.startJob()
    await job.until(() => job.handled.length === 40)
    await uncleanElection(scene, { onTheOldLeader: async () => {}, onTheNewLeader: async () => {} })
    await scene.ledBy(2)
    await scene.admin.deleteRecords(scene.topic, 0, 40)
    await scene.produce(60)
    await job.until(() => job.handled.length === 100)
    await job.stop()
    assert.ok(!job.notices.some(({ kind }) => kind === 'moved'))
  },
  verdict: 'valid',
  evidence: ['the offset 100 lies within the log, 40 to 100'],
  repairedTo: null,
  spark: 'reads on',
}
