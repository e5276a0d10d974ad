import { Admin, Producer, ListOffsetTimestamps, type CompressionAlgorithmValue } from '@platformatic/kafka'
import { produceCopies, type Copies } from './bulk.ts'
import { waitFor } from './wait.ts'

/** A record to produce. Without a timestamp it gets the time of sending; a null value is a tombstone. */
export interface LabRecord {
  topic: string
  partition: number
  key?: string | Buffer
  value: string | Buffer | null
  headers?: Record<string, string>
  timestamp?: number
}

/** How a topic is made; `replicas` names the brokers of each partition, the preferred leader first. */
export interface TopicOptions {
  partitions?: number
  replicas?: number[][]
  configs?: Record<string, string | number | boolean>
}

/** How a transaction ends; one left open ends when the broker times it out. */
export type TransactionEnd = 'commit' | 'abort' | 'leave open'

/** Does to a cluster what tests and the lab need done, each call waiting until its effect can be seen. */
export class LabAdmin implements AsyncDisposable {
  readonly #brokers: string[]
  readonly #admin: Admin
  readonly #producers: Producer[] = []

  constructor(bootstrapServers: string) {
    this.#brokers = bootstrapServers.split(',')
    this.#admin = new Admin(this.#client())
  }

  /** Creates a topic, waits until every partition has a leader that answers, and returns the topic's ID. */
  async createTopic(topic: string, { partitions = 1, replicas, configs = {} }: TopicOptions = {}): Promise<string> {
    const assignments = replicas?.map((brokers, partition) => ({ partition, brokers }))
    const shape = assignments === undefined ? { partitions, replicas: 1 } : { partitions: -1, replicas: -1, assignments }
    const settings = Object.entries(configs).map(([name, value]) => ({ name, value: String(value) }))
    const [created] = await this.#admin.createTopics({ topics: [topic], ...shape, configs: settings })
    if (created === undefined) throw new Error(`the broker did not say that it created ${topic}`)
    await this.#waitForLeaders(topic, range(replicas?.length ?? partitions))
    return created.id
  }

  /** Deletes a topic and waits until the brokers no longer list it. */
  async deleteTopic(topic: string): Promise<void> {
    await this.#admin.deleteTopics({ topics: [topic] })
    await waitFor(`topic ${topic} to go away`, async () => !(await this.#admin.listTopics()).includes(topic))
  }

  /** Deletes a topic and creates one of the same name; returns the new topic's ID. */
  async recreateTopic(topic: string, options: TopicOptions = {}): Promise<string> {
    await this.deleteTopic(topic)
    return waitFor(`topic ${topic} to be created again`, () => this.createTopic(topic, options))
  }

  /** Grows a topic to `total` partitions. */
  async addPartitions(topic: string, total: number): Promise<void> {
    await this.#admin.createPartitions({ topics: [{ name: topic, count: total, assignments: null }] })
    await this.#waitForLeaders(topic, range(total))
  }

  /** Removes the records below an offset, as retention does, and waits until the log start is there. */
  async deleteRecords(topic: string, partition: number, beforeOffset: number): Promise<void> {
    await this.#admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition, offset: BigInt(beforeOffset) }] }] })
    await waitFor(`the log of ${topic}-${partition} to start at ${beforeOffset}`, async () => {
      return (await this.offsets(topic, partition)).start >= beforeOffset
    })
  }

  /** The log start offset and the log end offset (the high watermark) of a partition. */
  async offsets(topic: string, partition: number): Promise<{ start: number; end: number }> {
    const [start, end] = [
      await this.#offset(topic, partition, ListOffsetTimestamps.EARLIEST),
      await this.#offset(topic, partition, ListOffsetTimestamps.LATEST),
    ]
    return { start, end }
  }

  /** Produces records in order. They can be read when this returns: all replicas in sync have them. */
  async produce(records: LabRecord[], { compression = 'none' }: { compression?: CompressionAlgorithmValue } = {}): Promise<void> {
    const producer = this.#producers[0] ?? this.#newProducer()
    await this.#prepare(producer, records)
    await producer.send({ messages: records.map(toMessage), compression, acks: -1 })
  }

  /** Produces records in one transaction and ends it as told; an end is waited for until its markers are in the log. */
  async transact(transactionalId: string, records: LabRecord[], end: TransactionEnd): Promise<void> {
    const producer = this.#newProducer(transactionalId)
    await this.#prepare(producer, records)
    const transaction = await producer.beginTransaction()
    await transaction.send({ messages: records.map(toMessage), acks: -1 })
    if (end === 'leave open') return
    const places = [...new Map(records.map((record) => [`${record.topic} ${record.partition}`, record])).values()]
    const before = await this.#ends(places)
    await (end === 'commit' ? transaction.commit() : transaction.abort())
    await waitFor('the markers of the transaction', async () =>
      (await this.#ends(places)).every((offset, index) => offset > (before[index] ?? 0)),
    )
  }

  /** Fills partitions with many equal records, fast. */
  async produceCopies(copies: Copies): Promise<void> {
    await produceCopies(this.#brokers, copies)
  }

  /** Closes the connections; transactions left open stay open. */
  async close(): Promise<void> {
    await Promise.all(this.#producers.map((producer) => producer.close(true)))
    await this.#admin.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #client(): { clientId: string; bootstrapBrokers: string[]; retries: number; retryDelay: number } {
    return { clientId: 'tidemark-lab', bootstrapBrokers: this.#brokers, retries: 5, retryDelay: 100 }
  }

  #newProducer(transactionalId?: string): Producer {
    // The time-out is the transaction's too: one left open stays open for as long as a test takes. The first one of all waits for the coordinator's topic.
    const transactional = transactionalId === undefined ? {} : { transactionalId, idempotent: true, timeout: 600_000, retries: 100 }
    const producer = new Producer({ ...this.#client(), ...transactional, autocreateTopics: false })
    this.#producers.push(producer)
    return producer
  }

  async #offset(topic: string, partition: number, timestamp: bigint): Promise<number> {
    const [listed] = await this.#admin.listOffsets({ topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp }] }] })
    const offset = listed?.partitions[0]?.offset
    if (offset === undefined) throw new Error(`no offset was listed for ${topic}-${partition}`)
    return Number(offset)
  }

  async #ends(places: LabRecord[]): Promise<number[]> {
    return Promise.all(places.map(async ({ topic, partition }) => (await this.offsets(topic, partition)).end))
  }

  /** The client keeps to a leader that is gone; asking anew until each partition's leader answers makes it see the next one. */
  async #waitForLeaders(topic: string, partitions: number[]): Promise<void> {
    const wanted = partitions.map((partitionIndex) => ({ partitionIndex, timestamp: ListOffsetTimestamps.LATEST }))
    await waitFor(`partitions ${partitions.join(', ')} of ${topic} to have leaders`, async () => {
      await this.#admin.metadata({ topics: [topic], forceUpdate: true })
      const [listed] = await this.#admin.listOffsets({ topics: [{ name: topic, partitions: wanted }] })
      return listed?.partitions.length === partitions.length
    })
  }

  async #prepare(producer: Producer, records: LabRecord[]): Promise<void> {
    const topics = [...new Set(records.map((record) => record.topic))]
    for (const topic of topics) {
      const partitions = records.filter((record) => record.topic === topic).map((record) => record.partition)
      await this.#waitForLeaders(topic, [...new Set(partitions)])
    }
    await producer.metadata({ topics, forceUpdate: true })
  }
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}

function toMessage(record: LabRecord) {
  const { key, value, headers, timestamp, ...place } = record
  return {
    ...place,
    ...(key === undefined ? {} : { key: Buffer.from(key) }),
    value: (value === null ? null : Buffer.from(value)) as Buffer,
    ...(headers === undefined
      ? {}
      : { headers: new Map(Object.entries(headers).map(([name, text]) => [Buffer.from(name), Buffer.from(text)])) }),
    ...(timestamp === undefined ? {} : { timestamp: BigInt(timestamp) }),
  }
}
