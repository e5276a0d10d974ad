import type { Order } from '../lab/account.ts'
import { partitions, topic, type Stage } from './stage.ts'
import { during } from './tell.ts'

/** Produces orders and remembers every one of them. */
export class Orders {
  readonly produced: Order[] = []
  /** The topics of that name so far, with the time from which each was the one, oldest first. */
  readonly topics: { readonly topicId: string; readonly since: number }[] = []
  readonly #stage: Stage

  constructor(stage: Stage) {
    this.#stage = stage
  }

  /** The topic's ID now. */
  get topicId(): string {
    return this.topics.at(-1)?.topicId ?? ''
  }

  /** The topic, for the first time or once more, is there. */
  topicMade(topicId: string): void {
    this.topics.push({ topicId, since: Date.now() })
  }

  /** Produces so many orders, spread evenly over all partitions or over some. Nobody else produces, so each one's offset is known beforehand; that it came true is checked. */
  async produce(count: number, into: readonly number[] = partitions): Promise<readonly Order[]> {
    const ends = await this.#ends()
    const made: Order[] = []
    for (let index = 0; index < count; index++) {
      const partition = into[index % into.length] ?? 0
      const id = `order-${String(this.produced.length + index + 1).padStart(3, '0')}`
      made.push({ id, topicId: this.topicId, partition, offset: (ends[partition] ?? 0) + Math.floor(index / into.length) })
    }
    await during('orders arrive', this.#stage.topics.produce(made.map(({ id, partition }) => ({ topic, partition, value: id }))))
    this.produced.push(...made)
    const total = (await this.#ends()).reduce((sum, end) => sum + end, 0) - ends.reduce((sum, end) => sum + end, 0)
    if (total !== count) throw new Error(`${count} orders were produced, and the log grew by ${total}`)
    return made
  }

  async #ends(): Promise<number[]> {
    return Promise.all(partitions.map(async (partition) => (await this.#stage.topics.offsets(topic, partition)).end))
  }
}
