import assert from 'node:assert/strict'
import { waitFor } from '../../lab/wait.ts'
import { compactedTopic } from './compaction.ts'
import type { Incident } from './incident.ts'

/** Compaction removed the very record that the offset names, and its neighbours: the next one there is comes later, and nothing is wrong. */
export const inACompactionHole: Incident = {
  name: 'inside a compaction hole',
  source: 'https://github.com/apache/storm/issues/6287',
  async happens(scene) {
    const { topic } = scene
    const write = (key: string, ago: number) => scene.admin.produce([{ topic, partition: 0, key, value: key, timestamp: Date.now() - ago }])
    await scene.createTopic(compactedTopic)
    for (let n = 0; n < 5; n++) await write('a', 60_000)
    await scene.read()
    for (let n = 0; n < 5; n++) await write('a', 60_000)
    await write('b', 30_000) // a new segment: the one before it may be compacted
    await write('c', 0)
    await waitFor('the hole', async () => (await scene.recordsNow()).every(({ offset }) => offset >= 9))
    assert.deepEqual(
      (await scene.recordsNow()).map(({ offset }) => offset),
      [9, 10, 11],
    )
  },
  verdict: 'valid',
  evidence: ['the offset 5 lies within the log, 0 to 12'],
  repairedTo: null,
  spark: 'reads on from 9',
}
