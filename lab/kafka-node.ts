import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { javaArguments, temporaryFolder } from './java.ts'
import { format, propertiesText, type Settings } from './kafka-format.ts'
import type { ReservedPort } from './ports.ts'
import type { Proxy } from './proxy.ts'
import { Server } from './server.ts'

/** What makes one node of a cluster. A node with a `port` is a broker, the one with the controller's ID is the controller; it may be both. */
export interface NodePlan {
  id: number
  clusterId: string
  port?: ReservedPort
  /** Where clients connect instead, with the port that the brokers then use among themselves. */
  proxy?: { proxy: Proxy; internalPort: ReservedPort }
  controllerPort: ReservedPort
  controllerId: number
  /** How many brokers the cluster has. */
  brokers: number
  properties: Settings
  javaSwitches: string[]
}

/** One node of a Kafka cluster; `stop`, `kill` and `start` keep its ports and data. */
export class Broker extends Server {
  readonly id: number
  readonly port: number
  readonly dataDir: string
  /** Where clients go past the proxy, if there is one. */
  readonly directAddress: string
  readonly #proxy: Proxy | undefined

  constructor(plan: NodePlan, folder: string) {
    const { id, port, controllerPort } = plan
    const ports = [port, plan.proxy?.internalPort, isController(plan) ? controllerPort : undefined]
    const claims = ports.flatMap((reserved) => reserved?.claim ?? [])
    super({
      name: `Kafka node ${id}`,
      command: 'java',
      args: javaArguments('kafka', plan.javaSwitches, ['kafka.Kafka', join(folder, 'server.properties')], ['kafka.server.KafkaRaftServer']),
      logFile: join(folder, 'server.log'),
      leftovers: [folder, ...claims],
      isUp: (log) => log.includes('Kafka Server started'),
    })
    this.id = id
    this.port = port?.port ?? controllerPort.port
    this.dataDir = join(folder, 'data')
    this.directAddress = `127.0.0.1:${plan.proxy?.internalPort.port ?? this.port}`
    this.#proxy = plan.proxy?.proxy
  }

  /** Where clients connect. */
  get address(): string {
    return this.#proxy?.address ?? `127.0.0.1:${this.port}`
  }

  /** What stands between the clients and this broker, in a cluster started with `proxied`. */
  get proxy(): Proxy {
    if (this.#proxy === undefined) throw new Error(`${this.name} has no proxy: start the cluster with proxied: true`)
    return this.#proxy
  }

  override async close(): Promise<void> {
    await super.close()
    await this.#proxy?.close()
  }
}

/** Prepares a node's folder and its supervisor; `start` is up to the caller. */
export async function createNode(plan: NodePlan): Promise<Broker> {
  const folder = temporaryFolder(`kafka-${plan.id}`)
  const node = new Broker(plan, folder)
  await format(node.dataDir, plan.id, plan.clusterId)
  writeFileSync(
    join(folder, 'server.properties'),
    propertiesText({ ...testSettings, ...replication(plan.brokers), ...networkSettings(plan, node.dataDir), ...plan.properties }),
  )
  return node
}

function isController(plan: NodePlan): boolean {
  return plan.id === plan.controllerId
}

function networkSettings(plan: NodePlan, dataDir: string): Settings {
  const { id, port, proxy, controllerPort, controllerId } = plan
  const controller = isController(plan) ? [`CONTROLLER://127.0.0.1:${controllerPort.port}`] : []
  const internal = proxy === undefined ? [] : [`INTERNAL://127.0.0.1:${proxy.internalPort.port}`]
  const broker = port === undefined ? [] : [`PLAINTEXT://127.0.0.1:${port.port}`]
  const advertised = proxy === undefined ? broker : [`PLAINTEXT://${proxy.proxy.address}`]
  return {
    'node.id': id,
    'process.roles': [...broker.map(() => 'broker'), ...controller.map(() => 'controller')].join(','),
    'controller.quorum.voters': `${controllerId}@127.0.0.1:${controllerPort.port}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT',
    listeners: [...broker, ...internal, ...controller].join(','),
    ...(port === undefined ? {} : { 'advertised.listeners': [...advertised, ...internal].join(',') }),
    'inter.broker.listener.name': proxy === undefined ? 'PLAINTEXT' : 'INTERNAL',
    'log.dirs': dataDir,
  }
}

/** On every broker, so that offsets and transactions outlive the death of any of them. */
function replication(brokers: number): Settings {
  return { 'offsets.topic.replication.factor': brokers, 'transaction.state.log.replication.factor': brokers }
}

/** Small and quick where a production broker is large and patient; nothing here changes what an answer means. */
const testSettings: Settings = {
  'num.network.threads': 2,
  'num.io.threads': 4,
  'offsets.topic.num.partitions': 1,
  'transaction.state.log.num.partitions': 1,
  'transaction.state.log.min.isr': 1,
  'group.initial.rebalance.delay.ms': 0,
  'group.min.session.timeout.ms': 500,
  'log.initial.task.delay.ms': 100,
  'log.retention.check.interval.ms': 200,
  'log.segment.delete.delay.ms': 100,
  'log.cleaner.backoff.ms': 200,
  'log.cleaner.dedupe.buffer.size': 4 * 1024 * 1024,
  'broker.heartbeat.interval.ms': 500,
  'broker.session.timeout.ms': 4000,
}
