import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { LabAdmin } from '../lab/admin.ts'
import { zooKeeperFrames } from '../lab/frames.ts'
import { startKafka, type KafkaCluster } from '../lab/kafka.ts'
import { reservePort } from '../lab/ports.ts'
import { Proxy } from '../lab/proxy.ts'
import { startZooKeeper, type ZooKeeperServer } from '../lab/zookeeper.ts'
import { connect, openStore } from '../src/index.ts'
import type { Log, Store } from '../src/index.ts'

/** The names that the whole story uses. */
export const group = 'billing'
export const topic = 'orders'
export const partitions = [0, 1] as const

/** A ZooKeeper session of the job's. Short, so that a killed job's last sign of life goes soon. */
const SESSION_MS = 4_000

/** Everything that the story plays on: real servers, and the hands to meddle with them. */
export interface Stage extends AsyncDisposable {
  readonly kafka: KafkaCluster
  readonly zooKeeper: ZooKeeperServer
  /** The network between the job and ZooKeeper. */
  readonly network: Proxy
  readonly admin: LabAdmin
  /** What the verbs work on, as the command line does. */
  readonly log: Log
  readonly store: Store
  /** Where the job keeps its offsets: the same ZooKeeper, over that network. */
  readonly jobStoreUrl: string
  /** Where the job writes down what it handled. */
  readonly sink: string
}

/** Starts the servers. They end with this process, however it ends. */
export async function openStage(): Promise<Stage> {
  await using opened = new AsyncDisposableStack()
  const [kafka, zooKeeper] = await Promise.all([startKafka(), startZooKeeper()])
  opened.use(kafka)
  opened.use(zooKeeper)
  const network = opened.use(await networkTo(zooKeeper.port))
  const admin = opened.use(new LabAdmin(kafka.bootstrapServers))
  const log = opened.use(await connect({ bootstrapServers: kafka.bootstrapServers }))
  const store = opened.use(await openStore(`zookeeper://${zooKeeper.connectString}`))
  const jobStoreUrl = `zookeeper://${network.address}?session-timeout=${SESSION_MS}`
  // In a folder that ZooKeeper's supervisor removes, also when this process is killed.
  const sink = join(zooKeeper.dataDir, 'handled.jsonl')
  const all = opened.move()
  return { kafka, zooKeeper, network, admin, log, store, jobStoreUrl, sink, [Symbol.asyncDispose]: () => all.disposeAsync() }
}

/** A proxy that leaves nothing on disk when this process is killed: it keeps its port by listening, and needs no claim. */
async function networkTo(target: number): Promise<Proxy> {
  const reserved = await reservePort()
  const proxy = new Proxy(reserved, { target, protocol: zooKeeperFrames })
  await proxy.listen()
  rmSync(reserved.claim, { recursive: true, force: true })
  return proxy
}
