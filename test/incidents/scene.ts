import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import {
  AclOperations,
  AclPermissionTypes,
  Admin,
  ConfigResourceTypes,
  Connection,
  IncrementalAlterConfigOperationTypes,
  offsetCommitV8,
  ResourcePatternTypes,
  ResourceTypes,
} from '@platformatic/kafka'
import type { Handled, Order, Span } from '../../lab/account.ts'
import { LabAdmin, type TopicOptions } from '../../lab/admin.ts'
import { javaArguments, quickStart } from '../../lab/java.ts'
import type { Broker, KafkaCluster } from '../../lab/kafka.ts'
import { waitFor } from '../../lab/wait.ts'
import { connect, openStore, run, type Log, type ReconcileOptions, type Store } from '../../src/index.ts'
import type { Session } from '../../src/store/zookeeper/session.ts'
import { plant } from '../store/zookeeper-scene.ts'
import type { Incident } from './incident.ts'
import { RunningJob, type JobWishes } from './job.ts'
import type { Stage } from './stage.ts'

/** The number of a leader epoch in a sentence, and a moment. */
const epochs = /(?<=\bepoch )\d+/g
const moments = /\d{4}-\d\d-\d\dT[\d:.]+Z/g

/** A record that was produced, at its place, and its key if it has one. */
interface Sent extends Order {
  readonly key?: string
}

/** Where one incident happens: a topic and a group of its own, and what people and programs do to them. */
export class Scene implements AsyncDisposable {
  readonly stage: Stage
  readonly topic: string
  readonly group: string
  log: Log
  store: Store
  readonly admin: LabAdmin
  /** Every record that was produced. */
  readonly orders: Sent[] = []
  /** Why nobody has to be given them: those that compaction removed, by id. */
  readonly superseded = new Map<string, string>()
  /** The IDs that the topic had, and since when. */
  readonly topics: { readonly topicId: string; readonly since: number }[] = []
  /** The IDs of the clusters that it meets, in their order. */
  readonly clusterIds: string[]
  /** What is read a second time because somebody wanted it so. */
  readonly rereads: Span[] = []
  readonly #jobs: RunningJob[] = []
  readonly #toEnd: (() => Promise<unknown>)[] = []
  readonly #kafkaAdmin: Admin
  readonly #clockSkewMs: number | undefined

  constructor(stage: Stage, { name, clockSkewMs }: Incident, store: Store) {
    this.stage = stage
    this.clusterIds = [stage.kafka.clusterId]
    this.#clockSkewMs = clockSkewMs
    this.topic = name.replaceAll(/[^a-zA-Z0-9]+/g, '-')
    this.group = `group-of-${this.topic}`
    this.log = stage.log
    this.store = store
    this.admin = new LabAdmin(stage.kafka.bootstrapServers)
    this.#kafkaAdmin = new Admin({ clientId: 'incident', bootstrapBrokers: stage.kafka.bootstrapServers.split(','), retries: 5 })
  }

  get kafka(): KafkaCluster {
    return this.stage.kafka
  }

  /** The whole topic, with looks that follow each other sooner than people would have it. */
  get options(): ReconcileOptions & { readonly topics: readonly string[] } {
    return { group: this.group, topics: [this.topic], secondLookMs: 300, clockSkewMs: this.#clockSkewMs, actor: 'incident' }
  }

  /** Makes the topic; deletes the one there is, if there is one. Its records are kept, however old they claim to be. */
  async createTopic({ configs = {}, ...options }: TopicOptions = {}): Promise<void> {
    const shape = { ...options, configs: { 'retention.ms': -1, ...configs } }
    const isThere = this.topics.length > 0
    const topicId = isThere ? await this.admin.recreateTopic(this.topic, shape) : await this.admin.createTopic(this.topic, shape)
    this.topics.push({ topicId, since: Date.now() })
  }

  /** Changes a setting of the topic while it is in use. */
  async configure(configs: Record<string, string | number>): Promise<void> {
    const set = Object.entries(configs).map(([name, value]) => ({
      name,
      value: String(value),
      configOperation: IncrementalAlterConfigOperationTypes.SET,
    }))
    await this.#kafkaAdmin.incrementalAlterConfigs({
      resources: [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: this.topic, configs: set }],
    })
  }

  /** What its jobs handled. */
  get handled(): Handled[] {
    return this.#jobs.flatMap(({ handled }) => handled)
  }

  /** Produces so many records, with a key of so many bytes; `ago` (ms) dates them back. */
  async produce(count: number, { partition = 0, ago = 0, keyBytes = 1 } = {}): Promise<void> {
    const { end } = await this.admin.offsets(this.topic, partition)
    const topicId = this.topics.at(-1)?.topicId ?? ''
    const key = 'k'.repeat(keyBytes)
    const made = Array.from({ length: count }, (_, index) => ({
      id: `${this.topics.length}.${partition}.${end + index}.${this.orders.length + index}`,
      topicId,
      partition,
      offset: end + index,
      key,
    }))
    const timestamp = Date.now() - ago
    for (let sent = 0; sent < count; sent += 500) {
      const part = made.slice(sent, sent + 500)
      await this.admin.produce(part.map(({ id }) => ({ topic: this.topic, partition, key, value: id, timestamp })))
    }
    this.orders.push(...made)
  }

  /** A job reads everything that there is, and saves its offsets. */
  async read(log = this.log): Promise<void> {
    await run(log, this.store, { ...this.options, untilEnd: true, handler: () => {} })
  }

  /** Another program commits an offset and its leader epoch in the Kafka group, at whichever broker keeps that. */
  async commitInGroup(offset: number, leaderEpoch: number): Promise<void> {
    const entry = { partitionIndex: 0, committedOffset: BigInt(offset), committedLeaderEpoch: leaderEpoch, committedMetadata: '' }
    const commit = async ({ port }: Broker): Promise<boolean> => {
      const connection = new Connection('another-program')
      await connection.connect('127.0.0.1', port)
      const partitions = [{ name: this.topic, partitions: [entry] }]
      const isDone = await offsetCommitV8.api.async(connection, this.group, -1, '', null, partitions).then(
        () => true,
        () => false,
      )
      await connection.close()
      return isDone
    }
    await waitFor('the coordinator to take the commit', async () => (await Promise.all(this.kafka.brokers.map(commit))).includes(true))
  }

  /** Java's own consumer reads so many records in an ordinary group, and commits its offset as it closes. */
  async readWithJava(count: number): Promise<void> {
    const where = ['--bootstrap-server', this.kafka.bootstrapServers, '--topic', this.topic, '--group', this.group]
    const main = ['org.apache.kafka.tools.consumer.ConsoleConsumer', ...where, '--from-beginning', '--max-messages', String(count)]
    await promisify(execFile)('java', javaArguments('kafka', ['-Xmx128m', ...quickStart], main))
  }

  /** The same job, but it goes on. */
  startJob(wishes?: JobWishes): RunningJob {
    const job = new RunningJob(this.log, this.store, this.options, wishes)
    this.#jobs.push(job)
    return job
  }

  /** What a reader without a past finds in the topic. */
  async recordsNow(): Promise<{ readonly partition: number; readonly offset: number; readonly value: string }[]> {
    const found: { partition: number; offset: number; value: string }[] = []
    await using store = await openStore('memory:')
    await run(this.log, store, {
      ...this.options,
      untilEnd: true,
      handler: ({ records }) => {
        for (const { partition, offset, value } of records) found.push({ partition, offset, value: String(value) })
      },
    })
    return found
  }

  /** An old consumer, of another program, commits what it likes in ZooKeeper: a text where the number belongs. */
  async commitBare(value: number | string, partition = 0): Promise<void> {
    const path = this.znode(partition)
    const data = Buffer.from(String(value))
    if ((await this.zooKeeper.get(path)) === undefined) await plant(this.zooKeeper, { path, data })
    else await this.zooKeeper.set(path, data)
  }

  /** What the old consumer would read there. */
  async readBare(partition = 0): Promise<string> {
    return String((await this.zooKeeper.get(this.znode(partition)))?.data)
  }

  /** Where the old consumer keeps its number. */
  znode(partition = 0): string {
    return `/consumers/${this.group}/offsets/${this.topic}/${partition}`
  }

  /** Another program on the same ZooKeeper. */
  get zooKeeper(): Session {
    return this.stage.stranger
  }

  /**
   * Commits what is stored in a Kafka group of the same name, for those that only know such; as far as the broker takes it:
   * none of a topic that is gone.
   */
  async shareWithRivals(): Promise<void> {
    if (this.store.url === 'kafka:') return
    for (const { partition, stored } of await this.store.load(this.group)) {
      const text = stored.state === 'position' ? String(stored.position.offset) : stored.state === 'corrupt' ? stored.raw : ''
      if (!/^-?\d+$/.test(text)) continue
      const topics = [{ name: this.topic, partitionOffsets: [{ partition, offset: BigInt(text) }] }]
      await this.#kafkaAdmin.alterConsumerGroupOffsets({ groupId: this.group, topics }).catch(() => undefined)
    }
  }

  /** Which records are not there any more, though they were produced to the topic as it is: their place in the log, other records may be there now. */
  async goneRecords(): Promise<{ readonly from: number; readonly until: number }> {
    const there = new Set((await this.recordsNow()).map(({ value }) => value))
    const { topicId } = this.topics.at(-1) ?? {}
    const gone = this.orders.filter((order) => order.topicId === topicId && !there.has(order.id)).map(({ offset }) => offset)
    const [from, until] = [Math.min(...gone), Math.max(...gone) + 1]
    assert.equal(gone.length, until - from, 'without a gap')
    return { from, until }
  }

  /** The first ACL of the topic, for somebody else: from then on nobody else is let in. */
  async lockOut(): Promise<void> {
    const topic = {
      resourceType: ResourceTypes.TOPIC,
      resourceName: this.topic,
      resourcePatternType: ResourcePatternTypes.LITERAL,
    }
    const access = { principal: 'User:somebody', host: '*', operation: AclOperations.DESCRIBE, permissionType: AclPermissionTypes.ALLOW }
    await this.#kafkaAdmin.createAcls({ creations: [{ ...topic, ...access }] })
    await waitFor('the broker to know of it', async () => (await this.log.topics([this.topic]))[0]?.state === 'unknown')
  }

  /** Gives the right back. */
  async letIn(): Promise<void> {
    await this.#kafkaAdmin.deleteAcls({
      filters: [
        {
          resourceType: ResourceTypes.TOPIC,
          resourceName: this.topic,
          resourcePatternType: ResourcePatternTypes.LITERAL,
          principal: null,
          host: null,
          operation: AclOperations.ANY,
          permissionType: AclPermissionTypes.ANY,
        },
      ],
    })
    await waitFor('the broker to know of it', async () => (await this.log.topics([this.topic]))[0]?.state === 'known')
  }

  /** Records of partition 0 that are read a second time because somebody wanted it so. */
  readAgain(span: Pick<Span, 'fromOffset' | 'untilOffset' | 'why'>): void {
    this.rereads.push({ ...span, topicId: this.topics.at(-1)?.topicId ?? '', partition: 0 })
  }

  /** Waits until the log of a partition starts there. */
  async logStart(offset: number, partition = 0): Promise<void> {
    await waitFor(
      `the log to start at ${offset}`,
      async () => (await this.admin.offsets(this.topic, partition)).start === offset,
      30_000,
      100,
    )
  }

  /** What all incidents that share one course of events come to do once, when the last of them is there. */
  async meet(what: string, act: () => Promise<unknown>): Promise<void> {
    await this.stage.rendezvous.meet(what, act)
  }

  /** Waits until the partition is led by a broker. */
  async ledBy(broker: number): Promise<void> {
    await waitFor(`broker ${broker} to lead`, async () => {
      const [facts] = await this.log.facts([{ topic: this.topic, partition: 0 }])
      return facts?.state === 'known' && facts.leaderId === broker
    })
  }

  /** Sentences with the names by which the incident calls the IDs and, in their order, the leader epochs and the moments. */
  named(sentences: readonly string[]): string[] {
    const names = [
      ...this.topics.map(({ topicId }, index) => [topicId, `T${index + 1}`] as const),
      ...this.clusterIds.map((id, index) => [id, `C${index + 1}`] as const),
      [this.topic, 'orders'] as const,
    ]
    const named = sentences.map((sentence) => names.reduce((text, [id, name]) => text.replaceAll(id, name), sentence))
    const numbers = inOrder(named, epochs, (a, b) => Number(a) - Number(b))
    const times = inOrder(named, moments, (a, b) => Date.parse(a) - Date.parse(b))
    return named.map((text) =>
      text.replaceAll(epochs, (number) => `E${numbers.indexOf(number) + 1}`).replaceAll(moments, (time) => `M${times.indexOf(time) + 1}`),
    )
  }

  /** Something to be closed with the scene. */
  onEnd(close: () => Promise<unknown>): void {
    this.#toEnd.push(close)
  }

  /** Waits until a broker says of the topic that it has the ID by that name. */
  async seenFrom(broker: Broker, name: string): Promise<void> {
    await using log = await connect({ bootstrapServers: broker.address })
    const wanted = this.topics[Number(name.slice(1)) - 1]?.topicId
    await waitFor(`broker ${broker.id} to say ${name}`, async () => {
      const [topic] = await log.topics([this.topic])
      return topic?.state === 'known' && topic.topicId === wanted
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const job of this.#jobs) job.abandon()
    for (const close of this.#toEnd) await close()
    await this.store.close()
    await this.admin.close()
    await this.#kafkaAdmin.close()
  }
}

/** What the sentences have of a kind, each once. */
function inOrder(sentences: readonly string[], kind: RegExp, compare: (a: string, b: string) => number): string[] {
  const found = sentences.flatMap((text) => [...text.matchAll(kind)].map(([one]) => one))
  return [...new Set(found)].toSorted(compare)
}
