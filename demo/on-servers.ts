import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { LabAdmin } from '../lab/admin.ts'
import { zooKeeperFrames } from '../lab/frames.ts'
import { startKafka } from '../lab/kafka.ts'
import { reservePort } from '../lab/ports.ts'
import { Proxy } from '../lab/proxy.ts'
import { startZooKeeper } from '../lab/zookeeper.ts'
import { openStore } from '../src/index.ts'
import { consume } from './consume.ts'
import { letRetentionPass } from './retention.ts'
import { group, partitions, topic, type Stage, type Words } from './stage.ts'
import { event } from './tell.ts'
import { MULTI, withZooKeeper } from './zookeeper.ts'

/** A ZooKeeper session of the job's. Short, so that a killed job's last sign of life goes soon. */
const SESSION_MS = 4_000

const words: Words = {
  store: 'ZooKeeper',
  log: 'Kafka',
  real: 'all of them real',
  topicTool: 'kafka-topics.sh',
  retention: "Kafka's own retention removes what is there (here retention.ms is 1 for a moment, instead of seven days)",
  willBreak: 'its connection will break just as it saves the offset',
  breaker: 'network',
  broke: 'the connection broke',
  bare: 'the znodes hold the same bare numbers as ever',
  plainly: 'with the plain ZooKeeper client, a plain Kafka consumer, and nothing of Tidemark',
}

/** Starts a Kafka broker and a ZooKeeper. They end with this process, however it ends. */
export async function openServers(): Promise<Stage> {
  await using opened = new AsyncDisposableStack()
  const [kafka, zooKeeper] = await Promise.all([startKafka(), startZooKeeper()])
  opened.use(kafka)
  opened.use(zooKeeper)
  const network = opened.use(await networkTo(zooKeeper.port))
  const topics = opened.use(new LabAdmin(kafka.bootstrapServers))
  const { bootstrapServers } = kafka
  const { connectString } = zooKeeper
  const store = opened.use(await openStore(`zookeeper://${connectString}`))
  const all = opened.move()
  return {
    words,
    places: `Kafka ${bootstrapServers}   ZooKeeper ${connectString}`,
    topics,
    broker: kafka.broker(),
    store,
    settings: { TIDEMARK_BOOTSTRAP_SERVER: bootstrapServers, TIDEMARK_STORE: `zookeeper://${connectString}` },
    // The same ZooKeeper, over the network between.
    jobArgs: [bootstrapServers, `zookeeper://${network.address}?session-timeout=${SESSION_MS}`],
    // In a folder that ZooKeeper's supervisor removes, also when this process is killed.
    sink: join(zooKeeper.dataDir, 'handled.jsonl'),
    serve: () => {},
    letRetentionPass: () => letRetentionPass(bootstrapServers, topics),
    setByHand: (partition, offset) => setByHand(connectString, pathOf(partition), offset),
    loseWrite: (_, part) => (part === 'request' ? network.loseRequest(MULTI) : network.loseReply(MULTI)),
    writesOf: () => network.requestCounts.get(MULTI) ?? 0,
    oldJob: {
      stored: () => storedNumbers(connectString),
      read: (offsets, count) => consume(bootstrapServers, offsets, count),
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  }
}

/** A proxy that leaves nothing on disk when this process is killed: it keeps its port by listening, and needs no claim. */
async function networkTo(target: number): Promise<Proxy> {
  const reserved = await reservePort()
  const proxy = new Proxy(reserved, { target, protocol: zooKeeperFrames })
  await proxy.listen()
  rmSync(reserved.claim, { recursive: true, force: true })
  return proxy
}

function pathOf(partition: number): string {
  return `/consumers/${group}/offsets/${topic}/${partition}`
}

async function setByHand(servers: string, path: string, offset: string): Promise<void> {
  await withZooKeeper(servers, (zooKeeper) => zooKeeper.set(path, offset))
  event('zkCli.sh', `set ${path} ${offset}`)
}

function storedNumbers(servers: string): ReturnType<Stage['oldJob']['stored']> {
  const places = partitions.map(pathOf)
  return withZooKeeper(servers, (zooKeeper) => Promise.all(places.map(async (place) => ({ place, offset: await zooKeeper.get(place) }))))
}
