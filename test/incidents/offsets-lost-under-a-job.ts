import assert from 'node:assert/strict'
import { reset } from '../../src/index.ts'
import { removeAll } from '../store/zookeeper-scene.ts'
import type { Incident } from './incident.ts'

/** Somebody deletes the group in ZooKeeper under a running job: it stops rather than begin anew, and somebody who knows puts the offset back. */
export const offsetsLostUnderAJob: Incident = {
  name: "the group's offsets deleted under a job, and put back by reset",
  source: 'https://github.com/Parsely/pykafka/issues/504',
  store: 'zookeeper',
  underAJob: true,
  async happens(scene) {
    await scene.createTopic()
    await scene.produce(50)
    const job = scene.startJob()
    await job.until(async () => (await scene.readBare()) === '50')
    await removeAll(scene.zooKeeper, `/consumers/${scene.group}`)
    await scene.produce(10)
    assert.equal(await job.failure(), 'POLICY_FAIL')
    await reset(scene.log, scene.store, { ...scene.options, target: { kind: 'to-offset', offset: 50 }, execute: true })
    const next = scene.startJob()
    await next.until(() => next.handled.length === 10)
    await next.stop()
  },
  verdict: 'lost',
  evidence: ['nothing is stored, but what Tidemark kept beside it is still there', 'Tidemark saved 50 last'],
  repairedTo: 50,
  spark: 'keeps its offsets in its checkpoint',
}
