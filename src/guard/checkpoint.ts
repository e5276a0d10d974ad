import type { Custody } from '../core/custody.ts'
import { positionOf } from '../core/custody.ts'
import { keyOf } from '../core/position.ts'
import type { TopicPartition } from '../core/position.ts'
import type { Store } from '../store/store.ts'

/**
 * A checkpoint with what the store knows of its offsets: Spark keeps numbers only, so that a topic that was made anew is seen by the
 * topic ID that was stored when the query was followed. Leader epochs count only for the very offset that they were stored with.
 */
export function identified(checkpoint: Pick<Store, 'load'>, store: Pick<Store, 'load'>): Pick<Store, 'load'> {
  return {
    load: async (group, partitions) => {
      const found = await checkpoint.load(group, partitions)
      const stored = await store.load(group, found.map(placeOf))
      const known = new Map(stored.map((custody) => [keyOf(custody), custody]))
      return found.map((custody) => withIdentity(movable(custody), known.get(keyOf(custody))))
    },
  }
}

function withIdentity(custody: Custody, known: Custody | undefined): Custody {
  const [position, other] = [positionOf(custody), known && positionOf(known)]
  if (position === undefined || other === undefined || position.topicId !== undefined) return custody
  const { topicId, clusterId, leaderEpoch, epochs } = other
  const history = other.offset === position.offset ? { leaderEpoch, epochs } : {}
  return { ...custody, stored: { state: 'position', position: { ...position, topicId, clusterId, ...history } } }
}

/** A planned batch whose beginning is gone is one that Spark can never run: whoever guards the query may give it up. */
function movable(custody: Custody): Custody {
  return custody.immovable?.code === 'CHECKPOINT_PLANNED' ? { ...custody, immovable: undefined } : custody
}

function placeOf({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition }
}
