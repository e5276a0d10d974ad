import type { TopicPartition } from '../core/position.ts'
import { Places } from './places.ts'

/** The partitions of one topic, by their indexes among the items. */
interface Group {
  readonly topic: string
  readonly indexes: number[]
}

/** Distinct partitions as requests name them, by topic, and where to find them again when the answer comes. */
export class Roster<Item extends TopicPartition> {
  readonly items: readonly Item[]
  readonly groups: readonly Group[]
  /** Where the next partition of an answer most likely is: answers are mostly in the order of the request. */
  #next = 0
  #indexes: Places<number> | undefined

  constructor(items: readonly Item[]) {
    this.items = items
    this.groups = groupsOf(items)
  }

  /** The topics of a request, with what it says of each partition. */
  topics<Part>(partOf: (item: Item) => Part): { name: string; partitions: Part[] }[] {
    return this.groups.map(({ topic, indexes }) => ({ name: topic, partitions: indexes.map((index) => partOf(this.items[index] as Item)) }))
  }

  /** The index of a partition among the items, or -1 for one that was not asked about. */
  indexOf(topic: string, partition: number): number {
    const likely = this.items[this.#next]
    const isThere = likely !== undefined && likely.partition === partition && likely.topic === topic
    const index = isThere ? this.#next : (this.#lookUp().get({ topic, partition }) ?? -1)
    this.#next = index + 1 < this.items.length ? index + 1 : 0
    return index
  }

  #lookUp(): Places<number> {
    if (this.#indexes === undefined) {
      const indexes = new Places<number>()
      this.items.forEach((item, index) => indexes.set(item, index))
      this.#indexes = indexes
    }
    return this.#indexes
  }
}

function groupsOf(items: readonly TopicPartition[]): Group[] {
  const groups = new Map<string, Group>()
  let group: Group | undefined
  items.forEach(({ topic }, index) => {
    if (group?.topic !== topic) {
      group = groups.get(topic) ?? { topic, indexes: [] }
      groups.set(topic, group)
    }
    group.indexes.push(index)
  })
  return [...groups.values()]
}

/** Splits what is to be asked so that no request names a partition twice, which brokers refuse: into one part unless several groups ask about one partition. */
export function distinct<Item extends TopicPartition>(items: readonly Item[]): Roster<Item>[] {
  const parts: Item[][] = []
  const counts = new Places<number>()
  items.forEach((item) => {
    const count = counts.get(item) ?? 0
    counts.set(item, count + 1)
    const part = parts[count]
    if (part === undefined) parts.push([item])
    else part.push(item)
  })
  return parts.map((part) => new Roster(part))
}
