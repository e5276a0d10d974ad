import assert from 'node:assert/strict'
import type { Incident } from './incident.ts'
import { uncleanElection } from './unclean-election.ts'

/** Retention removed the last record of the epoch that the offset was read in, and not one that was unread: the broker knows nothing of that epoch, and nothing is wrong. */
export const epochAgedOut: Incident = {
  name: 'stored epoch aged out of the epoch cache',
  source: 'https://github.com/apache/kafka/pull/22558',
  async happens(scene) {
    await scene.createTopic({ replicas: [[2]] })
    await scene.produce(40)
    await scene.read()
    await uncleanElection(scene, {
      onTheOldLeader: () => scene.produce(60),
      onTheNewLeader: async () => {},
    })
    await scene.ledBy(2)
    await scene.admin.deleteRecords(scene.topic, 0, 40)
    const job = scene.startJob()
    await job.until(() => job.handled.length === 60)
    await job.stop()
    assert.deepEqual([job.handled[0]?.offset, job.handled.at(-1)?.offset], [40, 99], 'it is read on, without a reset')
  },
  verdict: 'valid',
  evidence: ['the offset 100 lies within the log, 40 to 100'],
  repairedTo: null,
  spark: 'reads on',
}
