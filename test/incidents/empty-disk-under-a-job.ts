import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Incident } from './incident.ts'

/** The leader comes back with an empty disk under a running job: what is written from then on is read from its beginning. */
export const emptyDiskUnderAJob: Incident = {
  name: 'leader back with an empty disk under a job',
  source: 'https://cwiki.apache.org/confluence/display/KAFKA/KIP-966%3A+Eligible+Leader+Replicas',
  underAJob: true,
  async happens(scene) {
    const broker = scene.kafka.broker(2)
    await scene.createTopic({ replicas: [[2]] })
    await scene.produce(40)
    const job = scene.startJob()
    await job.until(() => job.handled.length === 40)
    await broker.kill()
    rmSync(join(broker.dataDir, `${scene.topic}-0`), { recursive: true })
    await broker.start()
    await scene.ledBy(2)
    await scene.produce(10)
    await job.until(() => job.handled.length === 50)
    await job.stop()
    assert.deepEqual(await scene.goneRecords(), { from: 0, until: 40 })
  },
  mends: (scene) => scene.kafka.broker(2).start(),
  verdict: 'truncated',
  evidence: [
    'records up to 40 were read in leader epoch E1, and the leader, now at epoch E2, has none of that epoch from 0 on: the log was cut at most at 0 and grew again',
  ],
  repairedTo: 0,
  spark: 'fails the query (failOnDataLoss=true), or goes on from 10 with a warning',
}
