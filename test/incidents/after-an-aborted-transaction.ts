import assert from 'node:assert/strict'
import type { Incident } from './incident.ts'

/** The log ends with an aborted transaction: a job that read all there is stands beyond records that nobody will ever see. */
export const afterAnAbortedTransaction: Incident = {
  name: 'after an aborted transaction',
  source: 'https://github.com/apache/druid/issues/5404',
  async happens(scene) {
    const { topic } = scene
    await scene.createTopic()
    await scene.produce(5)
    await scene.admin.transact(
      `aborted ${topic}`,
      [1, 2, 3].map((n) => ({ topic, partition: 0, value: `never ${n}` })),
      'abort',
    )
    await scene.read()
    assert.deepEqual((await scene.recordsNow()).length, 5)
  },
  verdict: 'valid',
  evidence: ['the offset 9 lies within the log, 0 to 9'],
  repairedTo: null,
  spark: 'nothing is wrong',
}
