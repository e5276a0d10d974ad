import assert from 'node:assert/strict'
import { check } from '../../src/index.ts'
import type { Incident } from './incident.ts'

/** A job reads as fast as records come, and is looked at meanwhile: its offset is never called ahead of a log end that was asked for earlier. */
export const movingConsumer: Incident = {
  name: 'a consumer moves while it is checked',
  source: 'https://github.com/braedon/prometheus-kafka-consumer-group-exporter/issues/21',
  async happens(scene) {
    await scene.createTopic()
    await scene.produce(1)
    await scene.read()
    const job = scene.startJob()
    const seen = new Set<number | null>()
    for (let round = 0; round < 20; round++) {
      const writing = scene.produce(10)
      const [row] = await check(scene.log, scene.store, scene.options)
      await writing
      assert.equal(row?.verdict, 'valid', row?.evidence.join())
      seen.add(row.committedOffset)
    }
    await job.until(() => job.handled.length === 200)
    await job.stop()
    assert.ok(seen.size > 3, 'it moved')
  },
  verdict: 'valid',
  evidence: ['the offset 201 lies within the log, 0 to 201'],
  repairedTo: null,
  spark: 'nothing is wrong',
}
