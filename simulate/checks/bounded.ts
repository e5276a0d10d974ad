import { keyOf, type OffsetRange, type TopicPartition } from '../../src/core/position.ts'
import type { LogReader, StartAt, Taken, TakeLimits } from '../../src/kafka/log.ts'
import type { MemoryReader } from '../../src/testing/memory-reader.ts'

/** No batch that is written in a simulation is greater, in bytes. */
const GREATEST_BATCH = 200

/** What a job may hold at once. */
interface Bounds {
  /** What its reader may buffer. */
  readonly maxBufferedBytes: number
  /** What one batch of its may hold. */
  readonly maxBytes: number
}

/** `bounded`: measures at every take what the reader has buffered, and what it has handed out to a job that has not come back for more. */
export class BoundedReader implements LogReader {
  readonly #reader: MemoryReader
  readonly #bounds: Bounds
  readonly #violate: (how: string) => void
  readonly #assigned = new Set<string>()

  constructor(reader: MemoryReader, bounds: Bounds, violate: (how: string) => void) {
    this.#reader = reader
    this.#bounds = bounds
    this.#violate = violate
  }

  assign(start: StartAt): void {
    this.#assigned.add(keyOf(start))
    this.#reader.assign(start)
  }

  drop(partition: TopicPartition): void {
    this.#assigned.delete(keyOf(partition))
    this.#reader.drop(partition)
  }

  async take(limits: TakeLimits, signal?: AbortSignal): Promise<Taken> {
    if (limits.maxBytes > this.#bounds.maxBytes) this.#violate(`${limits.maxBytes} bytes were asked for in one batch`)
    this.#measure()
    const taken = await this.#reader.take(limits, signal)
    const bytes = taken.slices.reduce((sum, slice) => sum + slice.bytes, 0)
    const records = taken.slices.reduce((sum, slice) => sum + slice.recordCount, 0)
    if (bytes > this.#bounds.maxBytes + this.#overshoot()) this.#violate(`a batch has ${bytes} bytes`)
    if (records > limits.maxRecords) this.#violate(`a batch has ${records} records`)
    this.#measure()
    return taken
  }

  async takeRanges(ranges: readonly OffsetRange[], signal?: AbortSignal): Promise<Taken> {
    return this.#reader.takeRanges(ranges, signal)
  }

  logEndOffset(partition: TopicPartition): number | undefined {
    return this.#reader.logEndOffset(partition)
  }

  close(): Promise<void> {
    return this.#reader.close()
  }

  #measure(): void {
    const { bufferedBytes } = this.#reader
    const most = this.#bounds.maxBufferedBytes + this.#overshoot()
    if (bufferedBytes > most) this.#violate(`the reader has buffered ${bufferedBytes} bytes, and may buffer ${most}`)
  }

  /** Whole batches are fetched, at least one of each partition. */
  #overshoot(): number {
    return this.#assigned.size * GREATEST_BATCH
  }
}
