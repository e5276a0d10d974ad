import type { TopicPartition } from '../core/position.ts'

/** Distinct partitions as requests name them, by topic, and where to find them again when the answer comes. */
export class Roster<Item extends TopicPartition> {
  readonly items: readonly Item[]
  readonly #indexes = new Map<string, Map<number, number>>()

  constructor(items: readonly Item[]) {
    this.items = items
    for (const [index, { topic, partition }] of items.entries()) {
      const indexes = this.#indexes.get(topic)
      if (indexes === undefined) this.#indexes.set(topic, new Map([[partition, index]]))
      else indexes.set(partition, index)
    }
  }

  /** The topics of a request, with what it says of each partition. */
  topics<Part>(partOf: (item: Item) => Part): { name: string; partitions: Part[] }[] {
    return Array.from(this.#indexes, ([name, indexes]) => ({
      name,
      partitions: Array.from(indexes.values(), (index) => partOf(this.items[index] as Item)),
    }))
  }

  /** The index of a partition among the items, or -1 for one that was not asked about. */
  indexOf(topic: string, partition: number): number {
    return this.#indexes.get(topic)?.get(partition) ?? -1
  }
}

/** Splits what is to be asked so that no request names a partition twice, which brokers refuse: into one part unless several groups ask about one partition. */
export function distinct<Item extends TopicPartition>(items: readonly Item[]): Roster<Item>[] {
  const parts: Item[][] = []
  const seen = new Map<string, Map<number, number>>()
  for (const item of items) {
    const counts = seen.get(item.topic) ?? new Map<number, number>()
    const count = counts.get(item.partition) ?? 0
    seen.set(item.topic, counts.set(item.partition, count + 1))
    const part = parts[count]
    if (part === undefined) parts.push([item])
    else part.push(item)
  }
  return parts.map((part) => new Roster(part))
}
