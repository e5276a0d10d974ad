import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before } from 'node:test'
import { LabAdmin } from '../../lab/admin.ts'
import { startKafka, type KafkaCluster } from '../../lab/kafka.ts'
import { startZooKeeper, type ZooKeeperServer } from '../../lab/zookeeper.ts'
import type { Session } from '../../src/store/zookeeper/session.ts'
import { plant, Scene, tree } from '../store/zookeeper-scene.ts'
import { start, tidemark, type Ended, type Running } from './command.ts'

/** A real Kafka, a real ZooKeeper, an empty directory to work in, and the real command to run there. */
export class Servers {
  readonly kafka: KafkaCluster
  readonly zooKeeper: ZooKeeperServer
  readonly admin: LabAdmin
  readonly directory: string
  /** Another program on the same ZooKeeper. */
  readonly stranger: Session
  readonly #scene: Scene

  constructor(kafka: KafkaCluster, zooKeeper: ZooKeeperServer) {
    this.kafka = kafka
    this.zooKeeper = zooKeeper
    this.admin = new LabAdmin(kafka.bootstrapServers)
    this.directory = mkdtempSync(join(tmpdir(), 'tidemark-cli-'))
    this.#scene = new Scene(zooKeeper)
    this.stranger = this.#scene.stranger()
  }

  /** The URL of this ZooKeeper as a store. */
  get store(): string {
    return `zookeeper://${this.zooKeeper.connectString}`
  }

  /** Runs the command where the environment names the cluster and, unless `--store` says otherwise, ZooKeeper as the store. */
  tidemark(...args: string[]): Promise<Ended> {
    return tidemark(args, this.#settings())
  }

  /** Starts it, to be looked at and told to stop while it runs. */
  start(...args: string[]): Running {
    return start(args, this.#settings())
  }

  /** A topic with records in each partition, 10 ms apart from `since` on. */
  async filled(topic: string, { partitions = 1, records = 10, since = Date.now() - 60_000 } = {}): Promise<void> {
    // The records may be as old as a test wants.
    await this.admin.createTopic(topic, { partitions, configs: { 'retention.ms': -1 } })
    for (let partition = 0; partition < partitions; partition++) {
      await this.admin.produce(
        Array.from({ length: records }, (_, index) => ({
          topic,
          partition,
          value: `${partition}.${index}`,
          timestamp: since + index * 10,
        })),
      )
    }
  }

  /** A committed offset as another program leaves it: a bare number, or whatever it is. */
  async commit(group: string, topic: string, partition: number, value: string): Promise<void> {
    const path = `/consumers/${group}/offsets/${topic}/${partition}`
    if ((await this.stranger.get(path)) === undefined) await plant(this.stranger, { path, data: Buffer.from(value) })
    else await this.stranger.set(path, Buffer.from(value))
  }

  /** Every znode with its data: two of them are equal if nothing was written in between. */
  async znodes(path = '/consumers'): Promise<Record<string, string>> {
    const paths = await tree(this.stranger, path)
    const entries = await Promise.all(paths.map(async (one) => [one, String((await this.stranger.get(one))?.data)] as const))
    return Object.fromEntries(entries)
  }

  async close(): Promise<void> {
    await this.#scene[Symbol.asyncDispose]()
    await this.admin.close()
    await Promise.all([this.kafka.close(), this.zooKeeper.close()])
    rmSync(this.directory, { recursive: true })
  }

  #settings(): { cwd: string; env: Record<string, string> } {
    return { cwd: this.directory, env: { TIDEMARK_BOOTSTRAP_SERVER: this.kafka.bootstrapServers, TIDEMARK_STORE: this.store } }
  }
}

/** The servers of a test file, from before its first test until after its last. */
export function servers(): () => Servers {
  let started: Servers | undefined
  before(async () => {
    const [kafka, zooKeeper] = await Promise.all([startKafka(), startZooKeeper()])
    started = new Servers(kafka, zooKeeper)
  })
  after(() => started?.close())
  return () => started as Servers
}
