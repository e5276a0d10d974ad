import assert from 'node:assert/strict'
import type { Incident } from './incident.ts'
import { uncleanElection } from './unclean-election.ts'

/** Brokers come and go under a running job, and no record is lost: each is handled once, and nothing is repaired. */
export const leaderMovesUnderAJob: Incident = {
  name: 'leader moves under a job',
  source: 'https://github.com/tulios/kafkajs/issues/1119',
  underAJob: true,
  async happens(scene) {
    await scene.createTopic({ replicas: [[2, 1, 3]], configs: { 'min.insync.replicas': 1 } })
    const job = scene.startJob()
    await scene.produce(20)
    await uncleanElection(scene, {
      onTheOldLeader: () => scene.produce(20),
      onTheNewLeader: async () => {
        await scene.ledBy(1)
        await scene.produce(20)
      },
    })
    await scene.produce(20)
    await job.until(() => job.handled.length === 80)
    await job.stop()
    assert.equal((await scene.recordsNow()).length, 80)
  },
  verdict: 'valid',
  evidence: ['the offset 80 lies within the log, 0 to 80'],
  repairedTo: null,
  spark: 'nothing is wrong',
}
