import assert from 'node:assert/strict'
import { compactedTopic, leaveHoles, oldMs } from './compaction.ts'
import type { Incident } from './incident.ts'

/** Compaction leaves holes in front of a running job, and under the batch in hand: it goes over them, and misses no key's last record. */
export const compactionUnderAJob: Incident = {
  name: 'compaction holes under a job',
  source: 'https://github.com/apache/storm/issues/6287',
  underAJob: true,
  async happens(scene) {
    await scene.createTopic(compactedTopic)
    await scene.produce(10, { ago: oldMs })
    const gate = Promise.withResolvers<void>()
    const job = scene.startJob({ maxRecords: 10, maxBytes: 500, before: () => gate.promise })
    await job.until(() => job.batches > 0)
    await leaveHoles(scene)
    gate.resolve()
    await job.until(() => job.handled.at(-1)?.offset === 1_511)
    await job.stop()
    const handled = new Set(job.handled.map(({ id }) => id))
    assert.ok(
      [...scene.superseded.keys()].some((id) => !handled.has(id)),
      'there are holes in what it read',
    )
  },
  verdict: 'valid',
  evidence: ['the offset 1512 lies within the log, 0 to 1512'],
  repairedTo: null,
  spark: 'goes over the holes',
}
