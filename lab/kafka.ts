import { smallServer } from './java.ts'
import { kafkaId, type Settings } from './kafka-format.ts'
import { kafkaFrames } from './frames.ts'
import { createNode, type Broker, type NodePlan } from './kafka-node.ts'
import { reservePort, type ReservedPort } from './ports.ts'
import { startOrClose } from './server.ts'
import { startProxy } from './proxy.ts'

export type { Broker } from './kafka-node.ts'

/**
 * `properties` go into every node's server.properties, over the lab's own; `javaSwitches` replace those that make a start quick. With `proxied` clients reach
 * each broker through a proxy of its own, `broker.proxy`.
 */
export interface KafkaOptions {
  brokers?: number
  proxied?: boolean
  properties?: Settings
  javaSwitches?: string[]
}

// Far from the brokers' own numbers.
const separateControllerId = 100

/** A running cluster in KRaft mode. */
export class KafkaCluster implements AsyncDisposable {
  readonly clusterId: string
  readonly brokers: Broker[]
  readonly #nodes: Broker[]

  constructor(clusterId: string, nodes: Broker[]) {
    this.clusterId = clusterId
    this.#nodes = nodes
    this.brokers = nodes.filter((node) => node.id !== separateControllerId)
  }

  /** The brokers' addresses, as `--bootstrap-server` takes them. */
  get bootstrapServers(): string {
    return this.brokers.map((broker) => broker.address).join(',')
  }

  /** The broker with this ID; without one the first, which in most tests is the only one. */
  broker(id = 1): Broker {
    const found = this.brokers.find((broker) => broker.id === id)
    if (found === undefined) throw new Error(`the cluster has no broker ${id}`)
    return found
  }

  /** Starts every node that does not run. */
  async start(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.start()))
  }

  /** Ends every node at once and removes its data. */
  async close(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.close()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/**
 * Starts a cluster; close it, or it ends with this process. A single broker is its own controller. Several get a separate one, so that any of them can be
 * killed while the rest of the cluster goes on.
 */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaCluster> {
  const clusterId = kafkaId()
  const nodes = []
  for (const plan of await plans(clusterId, options)) nodes.push(await createNode(plan))
  const cluster = new KafkaCluster(clusterId, nodes)
  return startOrClose(cluster)
}

async function plans(clusterId: string, options: KafkaOptions): Promise<NodePlan[]> {
  const { brokers = 1, properties = {}, javaSwitches = smallServer('kafka', '-Xmx512m') } = options
  const controllerId = brokers === 1 ? 1 : separateControllerId
  const common = { clusterId, controllerPort: await reservePort(), controllerId, brokers, properties, javaSwitches }
  const nodes: NodePlan[] = brokers === 1 ? [] : [{ ...common, id: controllerId }]
  for (let id = 1; id <= brokers; id += 1) {
    const port = await reservePort()
    nodes.push({ ...common, id, port, ...(options.proxied === true ? { proxy: await proxyTo(port) } : {}) })
  }
  return nodes
}

async function proxyTo({ port }: ReservedPort): Promise<NonNullable<NodePlan['proxy']>> {
  return { proxy: await startProxy({ target: port, protocol: kafkaFrames }), internalPort: await reservePort() }
}
