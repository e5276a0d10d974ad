import assert from 'node:assert/strict'
import type { Incident } from './incident.ts'
import { uncleanElection, uncleanTopic } from './unclean-election.ts'

/** An unclean election under a running job that has read everything: it goes back to where the log was cut before anything new is written there. */
export const cutShortUnderAJob: Incident = {
  name: 'truncated under a job, not yet regrown',
  source: 'https://cwiki.apache.org/confluence/display/KAFKA/KIP-320%3A+Allow+fetchers+to+detect+and+handle+log+truncation',
  underAJob: true,
  async happens(scene) {
    await scene.createTopic(uncleanTopic)
    const job = scene.startJob()
    await scene.produce(60)
    await uncleanElection(scene, {
      onTheOldLeader: async () => {
        await scene.produce(40)
        await job.until(() => job.handled.length === 100)
      },
      onTheNewLeader: async () => {
        await scene.ledBy(3)
        await job.until(() => job.notices.some(({ kind }) => kind === 'moved'))
        await scene.produce(5)
      },
    })
    await job.until(() => job.handled.length === 105)
    await job.stop()
    assert.deepEqual(await scene.goneRecords(), { from: 60, until: 100 })
  },
  verdict: 'truncated',
  evidence: [
    'records up to 100 were read in leader epoch E1, and the leader, now at epoch E2, has none of that epoch from 60 on: the log was cut at 60',
  ],
  repairedTo: 60,
  spark: 'fails the query (failOnDataLoss=true), or goes on from 60 with a warning',
}
