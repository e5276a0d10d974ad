import { randomUUID } from 'node:crypto'
import { after, before } from 'node:test'
import { LabAdmin } from '../../lab/admin.ts'
import { startKafka, type KafkaCluster, type KafkaOptions } from '../../lab/kafka.ts'
import { startZooKeeper, type ZooKeeperServer } from '../../lab/zookeeper.ts'
import { check, connect, openStore, type Log, type Store } from '../../src/index.ts'
import type { CheckRow } from '../../src/verbs/check.ts'
import type { Session } from '../../src/store/zookeeper/session.ts'
import { plant, Scene as ZooKeeperScene } from '../store/zookeeper-scene.ts'

/** A real Kafka and a real ZooKeeper, in which another program commits bare numbers. */
export class Scene {
  readonly kafka: KafkaCluster
  readonly zooKeeper: ZooKeeperServer
  readonly admin: LabAdmin
  readonly log: Log
  readonly stranger: Session
  readonly #others: ZooKeeperScene

  private constructor(kafka: KafkaCluster, zooKeeper: ZooKeeperServer, log: Log) {
    this.kafka = kafka
    this.zooKeeper = zooKeeper
    this.log = log
    this.admin = new LabAdmin(kafka.bootstrapServers)
    this.#others = new ZooKeeperScene(zooKeeper)
    this.stranger = this.#others.stranger()
  }

  static async open(options?: KafkaOptions): Promise<Scene> {
    const [kafka, zooKeeper] = await Promise.all([startKafka(options), startZooKeeper()])
    return new Scene(kafka, zooKeeper, await connect({ bootstrapServers: kafka.bootstrapServers }))
  }

  /** The store, in the classic layout unless `rest` says otherwise. */
  store(rest = ''): Promise<Store> {
    return openStore(`zookeeper://${this.zooKeeper.connectString}${rest}`)
  }

  /** A topic of its own whose records are never too old. */
  async topic(configs: Record<string, string | number> = {}): Promise<string> {
    const topic = `t-${randomUUID()}`
    await this.admin.createTopic(topic, { configs: { 'retention.ms': -1, ...configs } })
    return topic
  }

  /** Produces one batch: a record for each time, `minutes` from now. */
  async batch(topic: string, ...minutes: number[]): Promise<void> {
    const now = Date.now()
    await this.admin.produce(
      minutes.map((one, index) => ({ topic, partition: 0, key: `k${index}`, value: 'x'.repeat(10), timestamp: now + one * 60_000 })),
    )
  }

  /** Another program commits, now. The group is named like the topic. */
  async commit(topic: string, offset: number): Promise<void> {
    const path = this.znode(topic)
    const data = Buffer.from(String(offset))
    if ((await this.stranger.get(path)) === undefined) await plant(this.stranger, { path, data })
    else await this.stranger.set(path, data)
  }

  znode(topic: string): string {
    return `/consumers/${topic}/offsets/${topic}/0`
  }

  /** What a check says of the one partition. */
  async check(topic: string, options: { readonly clockSkewMs?: number; readonly log?: Log } = {}): Promise<CheckRow> {
    await using store = await this.store()
    const [row] = await check(options.log ?? this.log, store, { group: topic, secondLookMs: 200, ...options })
    if (row === undefined) throw new Error('nothing is stored')
    return row
  }

  async close(): Promise<void> {
    await this.#others[Symbol.asyncDispose]()
    await this.admin.close()
    await this.log.close()
    await Promise.all([this.kafka.close(), this.zooKeeper.close()])
  }
}

/** The scene of a test file, from before its first test until after its last. */
export function scenery(options?: KafkaOptions): () => Scene {
  let scene: Scene | undefined
  before(async () => {
    scene = await Scene.open(options)
  })
  after(() => scene?.close())
  return () => scene as Scene
}
