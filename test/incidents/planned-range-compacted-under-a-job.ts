import assert from 'node:assert/strict'
import { compactedTopic, leaveHoles, oldMs } from './compaction.ts'
import type { Incident } from './incident.ts'

/** A job dies with a batch in hand, and until it is started again compaction removes all of that batch: nothing is left to run again, and it goes on behind it. */
export const plannedRangeCompactedUnderAJob: Incident = {
  name: 'planned range compacted away before it is run again',
  source: 'https://github.com/apache/storm/issues/6287',
  underAJob: true,
  async happens(scene) {
    await scene.createTopic(compactedTopic)
    await scene.produce(30, { ago: oldMs })
    const gate = Promise.withResolvers<void>()
    const job = scene.startJob({ maxRecords: 10, before: async () => (job.batches > 1 ? gate.promise : undefined) })
    await job.until(() => job.batches > 1)
    job.abandon()
    gate.reject(new Error('it dies'))
    await job.failure()
    await leaveHoles(scene)
    const next = scene.startJob({ maxRecords: 10 })
    await next.until(() => next.handled.at(-1)?.offset === 1_531)
    await next.stop()
    assert.ok(next.notices.some(({ kind, text }) => kind === 'replanned' && text.includes('[10, 20)')))
    assert.equal(next.handled[0]?.offset, 29, 'of the range that was planned there is nothing')
  },
  verdict: 'valid',
  evidence: ['the offset 1532 lies within the log, 0 to 1532'],
  repairedTo: null,
  spark: 'runs the planned batch again without its records',
}
