import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startKafka, type KafkaCluster, type KafkaOptions } from '../../lab/kafka.ts'
import { startZooKeeper, type ZooKeeperServer } from '../../lab/zookeeper.ts'
import { connect, openStore, type Log } from '../../src/index.ts'
import type { Session } from '../../src/store/zookeeper/session.ts'
import { Scene as ZooKeeperScene } from '../store/zookeeper-scene.ts'
import type { Incident } from './incident.ts'
import { Rendezvous } from './rendezvous.ts'
import { Scene } from './scene.ts'

/** The servers that a file's incidents share. */
export class Stage {
  readonly kafka: KafkaCluster
  readonly zooKeeper: ZooKeeperServer
  readonly log: Log
  /** For files of an incident's own. */
  readonly directory: string
  /** Another program on the same ZooKeeper. */
  readonly stranger: Session
  /** For those incidents that share one course of events. */
  rendezvous = new Rendezvous(1)
  readonly #others: ZooKeeperScene
  readonly #urls: Readonly<Record<NonNullable<Incident['store']>, string>>

  private constructor(kafka: KafkaCluster, zooKeeper: ZooKeeperServer, log: Log) {
    this.kafka = kafka
    this.zooKeeper = zooKeeper
    this.log = log
    this.directory = mkdtempSync(join(tmpdir(), 'tidemark-incidents-'))
    this.#others = new ZooKeeperScene(zooKeeper)
    this.#urls = {
      sqlite: `sqlite:${join(this.directory, 'tidemark.db')}`,
      zookeeper: `zookeeper://${zooKeeper.connectString}`,
      kafka: 'kafka:',
    }
    this.stranger = this.#others.stranger()
  }

  static async open(options: KafkaOptions): Promise<Stage> {
    const [kafka, zooKeeper] = await Promise.all([startKafka(options), startZooKeeper()])
    return new Stage(kafka, zooKeeper, await connect({ bootstrapServers: kafka.bootstrapServers }))
  }

  /** A scene for one incident, with the store that it says. */
  async scene(incident: Incident): Promise<Scene> {
    const url = this.#urls[incident.store ?? 'sqlite']
    return new Scene(this, incident, await openStore(url, { log: this.log, ledger: join(this.directory, 'ledger.db') }))
  }

  async close(): Promise<void> {
    await this.#others[Symbol.asyncDispose]()
    await this.log.close()
    await Promise.all([this.kafka.close(), this.zooKeeper.close()])
    rmSync(this.directory, { recursive: true })
  }
}
