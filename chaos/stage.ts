import { LabAdmin } from '../lab/admin.ts'
import { zooKeeperFrames } from '../lab/frames.ts'
import { startKafka, type KafkaCluster } from '../lab/kafka.ts'
import { startProxy, type Proxy } from '../lab/proxy.ts'
import { startZooKeeper, type ZooKeeperServer } from '../lab/zookeeper.ts'

/** The workers' places: each has its own way to ZooKeeper, so that one can be cut off while the other takes over. */
export const slots = ['a', 'b'] as const
export type Slot = (typeof slots)[number]

/** The servers, and the hands to meddle with them. */
export interface Stage extends AsyncDisposable {
  readonly kafka: KafkaCluster
  readonly zooKeeper: ZooKeeperServer
  /** The network between all workers and Kafka. */
  readonly kafkaNetwork: Proxy
  /** The network between each worker and ZooKeeper. */
  readonly storeNetwork: Readonly<Record<Slot, Proxy>>
  /** Goes past the network that is cut: what is produced has to be known for certain. */
  readonly admin: LabAdmin
}

/** Starts the servers. They end with this process, however it ends. */
export async function openStage(): Promise<Stage> {
  await using opened = new AsyncDisposableStack()
  const [kafka, zooKeeper] = await Promise.all([startKafka({ proxied: true }), startZooKeeper()])
  opened.use(kafka)
  opened.use(zooKeeper)
  const toZooKeeper = () => startProxy({ target: zooKeeper.port, protocol: zooKeeperFrames })
  const storeNetwork = { a: opened.use(await toZooKeeper()), b: opened.use(await toZooKeeper()) }
  const admin = opened.use(new LabAdmin(kafka.broker().directAddress))
  const all = opened.move()
  const kafkaNetwork = kafka.broker().proxy
  return { kafka, zooKeeper, kafkaNetwork, storeNetwork, admin, [Symbol.asyncDispose]: () => all.disposeAsync() }
}

/** Ends every fault of the servers and of the network. */
export async function heal({ kafka, zooKeeper, kafkaNetwork, storeNetwork }: Stage): Promise<void> {
  for (const proxy of [kafkaNetwork, ...Object.values(storeNetwork)]) proxy.heal()
  zooKeeper.resume()
  await Promise.all([kafka.start(), zooKeeper.start()])
}
