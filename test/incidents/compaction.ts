import type { TopicOptions } from '../../lab/admin.ts'
import { waitFor } from '../../lab/wait.ts'
import type { Scene } from './scene.ts'

/** A topic of which all that is not in its last segment is compacted at once. */
export const compactedTopic: TopicOptions = {
  configs: { 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': 0.01, 'segment.ms': 1_000 },
}

/** How old records are that are to be compacted: the next ones, which are younger, begin a segment. */
export const oldMs = 60_000

/** Writes many records of five keys, and waits until of each key only the last one is there. What the log has lost by that is written down. */
export async function leaveHoles(scene: Scene): Promise<void> {
  for (let n = 1; n <= 5; n++) await scene.produce(300, { ago: oldMs, keyBytes: 200 + n })
  await scene.produce(1, { ago: oldMs / 2, keyBytes: 300 })
  await scene.produce(1, { keyBytes: 301 })
  const keys = new Set(scene.orders.map(({ key }) => key))
  await waitFor('compaction', async () => (await scene.recordsNow()).length === keys.size, 30_000)
  const there = new Set((await scene.recordsNow()).map(({ value }) => value))
  const kept = scene.orders.filter(({ id }) => there.has(id))
  for (const { id, key, offset } of scene.orders) {
    const later = kept.find((one) => one.key === key && one.offset > offset)
    if (!there.has(id) && later !== undefined) scene.superseded.set(id, `compacted: ${later.id} has its key`)
  }
}
