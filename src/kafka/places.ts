import type { TopicPartition } from '../core/position.ts'

/** Something for each of many partitions. By two maps, since a text made of topic and number takes longer to be found than both. */
export class Places<Value> {
  readonly #topics = new Map<string, Map<number, Value>>()
  /** The topic that was asked about last: neighbours are mostly of one topic. */
  #topic: string | undefined
  #partitions = new Map<number, Value>()

  get({ topic, partition }: TopicPartition): Value | undefined {
    return this.#of(topic).get(partition)
  }

  set({ topic, partition }: TopicPartition, value: Value): void {
    this.#of(topic).set(partition, value)
  }

  #of(topic: string): Map<number, Value> {
    if (topic !== this.#topic) {
      this.#topic = topic
      this.#partitions = this.#topics.get(topic) ?? new Map<number, Value>()
      this.#topics.set(topic, this.#partitions)
    }
    return this.#partitions
  }
}
