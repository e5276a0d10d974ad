import assert from 'node:assert/strict'
import type { Incident } from './incident.ts'

/** The same job is started twice on one store: the second takes over, and the first can save nothing any more. */
export const twoJobs: Incident = {
  name: 'two jobs on one path',
  source: 'https://github.com/apache/spark/pull/41205',
  store: 'zookeeper',
  async happens(scene) {
    await scene.createTopic()
    await scene.produce(100)
    const gate = Promise.withResolvers<void>()
    const first = scene.startJob({ maxRecords: 10, before: () => gate.promise })
    await first.until(() => first.batches > 0)
    const second = scene.startJob({ maxRecords: 10 })
    await second.until(() => second.handled.length === 100)
    gate.resolve()
    assert.equal(await first.failure(), 'FENCED')
    await second.stop()
    const handled = second.handled.map(({ id }) => id)
    assert.deepEqual(
      handled,
      scene.orders.map(({ id }) => id),
      'the second one handled all of it, the batch that was planned by the first included',
    )
  },
  verdict: 'valid',
  evidence: ['the offset 100 lies within the log, 0 to 100'],
  repairedTo: null,
  spark: 'one of the two queries fails: CONCURRENT_STREAM_LOG_UPDATE',
}
