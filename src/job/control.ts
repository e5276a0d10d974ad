import { keyOf } from '../core/position.ts'
import type { TopicPartition } from '../core/position.ts'

/** Pauses and resumes partitions of a running job. What is read ahead of a paused one is kept; its batch in hand is finished. */
export class JobControl {
  readonly #paused = new Set<string>()

  pause(partition: TopicPartition): void {
    this.#paused.add(keyOf(partition))
  }

  resume(partition: TopicPartition): void {
    this.#paused.delete(keyOf(partition))
  }

  /** The paused partitions, by `topic-partition` key. */
  get paused(): ReadonlySet<string> {
    return this.#paused
  }
}
