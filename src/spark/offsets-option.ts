import { byPartition } from '../core/position.ts'
import type { TopicPartition } from '../core/position.ts'

/** Offsets as Spark's options `startingOffsets` and `endingOffsets` take them: `{"orders":{"0":23,"1":42}}`. Spark wants every partition to be there. */
export function printOffsetsOption(offsets: ReadonlyArray<TopicPartition & { readonly offset: number }>): string {
  const topics = Map.groupBy(offsets.toSorted(byPartition), ({ topic }) => topic)
  // By hand: an object's keys would lose a topic that is called __proto__.
  const parts = Array.from(topics, ([topic, partitions]) => {
    const values = partitions.map(({ partition, offset }) => `"${partition}":${offset}`)
    return `${JSON.stringify(topic)}:{${values.join(',')}}`
  })
  return `{${parts.join(',')}}`
}
