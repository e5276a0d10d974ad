import type { Custody } from '../core/custody.ts'
import { keyOf } from '../core/position.ts'
import type { TopicPartition } from '../core/position.ts'
import type { Store } from '../store/store.ts'

/**
 * The partitions of a group of which rounds have seen something stored. A store that forgets them (a group that expired, an evicted key) leaves
 * no trace; whoever watches remembers, and so can call them `lost`.
 */
export class Seen {
  readonly #partitions = new Map<string, TopicPartition>()

  /** The store as the group is to be loaded from it. */
  loading(store: Pick<Store, 'load'>): Pick<Store, 'load'> {
    return {
      load: async (group, partitions) => {
        const found = await store.load(group, partitions)
        this.#remember(found)
        const gone = partitions === undefined ? this.#missingFrom(found) : []
        const all = gone.length === 0 ? found : [...found, ...(await store.load(group, gone))]
        return all.map((custody) => this.#traced(custody))
      },
    }
  }

  #remember(found: readonly Custody[]): void {
    for (const { topic, partition, stored } of found) {
      if (stored.state === 'position' || stored.state === 'corrupt') this.#partitions.set(keyOf({ topic, partition }), { topic, partition })
    }
  }

  #missingFrom(found: readonly Custody[]): TopicPartition[] {
    const here = new Set(found.map(keyOf))
    return [...this.#partitions].flatMap(([key, place]) => (here.has(key) ? [] : [place]))
  }

  #traced(custody: Custody): Custody {
    const isBlank = custody.stored.state === 'absent' && custody.trace === undefined
    return isBlank && this.#partitions.has(keyOf(custody)) ? { ...custody, trace: 'seen' } : custody
  }
}
