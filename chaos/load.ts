import { setTimeout as sleep } from 'node:timers/promises'
import { Producer } from '@platformatic/kafka'
import type { Order } from '../lab/account.ts'
import type { LabAdmin } from '../lab/admin.ts'
import { waitFor } from '../lab/wait.ts'
import { partitionCount } from './plan.ts'

const EVERY_MS = 100
const MOST_PER_PARTITION = 6
/** How far a log that was made anew grows beyond the old one, records. */
const BEYOND = 20
const PATIENCE_MS = 90_000
/** How long a log end must stay the same to count after a request that failed. */
const SETTLED_MS = 500

export const partitions: readonly number[] = Array.from({ length: partitionCount }, (_, index) => index)

/** Produces records with ids all the time, and knows for certain which of them are in the log, and where. */
export class Load {
  readonly produced: Order[] = []
  /** The topics of that name so far, oldest first. */
  readonly topics: { readonly topicId: string; readonly since: number }[] = []
  /** Ids whose records the broker was made to lose. */
  readonly cut = new Map<string, string>()
  readonly #topic: string
  readonly #admin: LabAdmin
  readonly #producer: Producer
  #ends: number[] = []
  #ids = 0
  #busy: Promise<unknown> = Promise.resolve()
  #over = false
  #looping: Promise<void> | undefined

  constructor(topic: string, address: string, admin: LabAdmin) {
    this.#topic = topic
    this.#admin = admin
    // A client that repeats a request by itself would append it twice and say so of none.
    this.#producer = new Producer({ clientId: 'tidemark-chaos', bootstrapBrokers: [address], retries: 0, autocreateTopics: false })
  }

  get topicId(): string {
    return this.topics.at(-1)?.topicId ?? ''
  }

  async start(): Promise<void> {
    this.#made(Date.now(), await this.#admin.createTopic(this.#topic, { partitions: partitionCount }))
    this.#looping = this.#loop()
  }

  async stop(): Promise<void> {
    this.#over = true
    await this.#looping
    await this.#producer.close(true)
  }

  /** Does something to the topic while nothing is being produced. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#busy.then(work)
    this.#busy = result.catch(() => undefined)
    return result
  }

  /** Deletes the topic and makes it anew; `grown`: by the time that anybody looks, its logs reach beyond where the old ones ended. */
  async recreate(grown: boolean): Promise<void> {
    await this.alone(async () => {
      const [since, ends] = [Date.now(), this.#ends]
      this.#made(since, await this.#admin.recreateTopic(this.#topic, { partitions: partitionCount }))
      if (grown) await this.#produce((partition) => (ends[partition] ?? 0) + BEYOND)
    })
  }

  /** Records from `end` on are gone from a log that was cut; their offsets are given to others, to all of them at once where it is to be `grown`. */
  async wasCut(partition: number, end: number, grown: boolean): Promise<number> {
    const lost = this.produced.filter(
      (order) => order.topicId === this.topicId && order.partition === partition && order.offset >= end && !this.cut.has(order.id),
    )
    for (const { id, offset } of lost) this.cut.set(id, `the planned cut of ${this.#topic}-${partition} at ${end}, which took ${offset}`)
    this.#ends[partition] = end
    if (grown) await this.#produce((one) => (one === partition ? lost.length + BEYOND : 0))
    return lost.length
  }

  /** Start and end of a partition's log, as soon as the broker says. */
  offsets(partition: number): Promise<{ start: number; end: number }> {
    return waitFor(`the offsets of partition ${partition}`, () => this.#admin.offsets(this.#topic, partition), PATIENCE_MS)
  }

  #made(since: number, topicId: string): void {
    this.topics.push({ topicId, since })
    this.#ends = partitions.map(() => 0)
  }

  async #loop(): Promise<void> {
    while (!this.#over) {
      await this.alone(() => this.#produce(() => Math.floor(Math.random() * (MOST_PER_PARTITION + 1))))
      await sleep(EVERY_MS)
    }
  }

  /** One request: of each partition's records all are appended, or none. */
  async #produce(count: (partition: number) => number): Promise<void> {
    const made = partitions.flatMap((partition) =>
      Array.from({ length: count(partition) }, (_, index): Order => ({
        id: `r${++this.#ids}`,
        topicId: this.topicId,
        partition,
        offset: (this.#ends[partition] ?? 0) + index,
      })),
    )
    if (made.length === 0) return
    try {
      const messages = made.map(({ id, partition }) => ({ topic: this.#topic, partition, value: Buffer.from(id) }))
      await this.#producer.send({ messages, acks: -1 })
    } catch {
      return this.#findOut(made)
    }
    this.produced.push(...made)
    for (const { partition, offset } of made) this.#ends[partition] = offset + 1
  }

  /** After a request that failed: the log's ends tell of which partitions it was appended. */
  async #findOut(made: readonly Order[]): Promise<void> {
    for (const partition of partitions) {
      const end = await this.#settledEnd(partition)
      const [before, own] = [this.#ends[partition] ?? 0, made.filter((order) => order.partition === partition)]
      if (end === before) continue
      if (end !== before + own.length)
        throw new Error(`${own.length} records were sent to partition ${partition} at ${before}, and its log ends at ${end}`)
      this.produced.push(...own)
      this.#ends[partition] = end
    }
    await waitFor('the producer to see the topic', () => this.#producer.metadata({ topics: [this.#topic], forceUpdate: true }), PATIENCE_MS)
  }

  async #settledEnd(partition: number): Promise<number> {
    for (let last = -1; ; await sleep(SETTLED_MS)) {
      const { end } = await this.offsets(partition)
      if (end === last) return end
      last = end
    }
  }
}
