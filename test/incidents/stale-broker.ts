import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Connection, metadataV12 } from '@platformatic/kafka'
import { kafkaFrames } from '../../lab/frames.ts'
import type { Broker } from '../../lab/kafka.ts'
import { startProxy } from '../../lab/proxy.ts'
import { waitFor } from '../../lab/wait.ts'
import { check, connect, type Log } from '../../src/index.ts'
import type { Incident } from './incident.ts'
import type { Scene } from './scene.ts'

/**
 * A broker comes back, loses its controller, and answers what was so before: that the topic is the old one. The leader, asked by
 * the topic's name, answers for the new one, which has grown past the offset: it all fits together, until another broker is asked.
 */
export const staleBroker: Incident = {
  name: 'a broker just restarted, with stale metadata',
  source: 'https://github.com/confluentinc/librdkafka/issues/69',
  async happens(scene) {
    const strand = await restartBroker(scene)
    await scene.read()
    await strand()
    const [fresh, stale] = [scene.kafka.broker(1), scene.kafka.broker(3)]
    const [row] = await check(await logFrom(scene, stale), scene.store, scene.options)
    assert.ok(row?.verdict === 'unknown' || row?.verdict === 'recreated', row?.evidence.join())
    await waitFor('the others to miss it', async () => !(await brokersSeenFrom(fresh)).includes(stale.id))
    scene.log = await logFrom(scene, stale)
  },
  mends: mendStranded,
  verdict: 'recreated',
  evidence: ["the offset was stored for the topic ID T1, and the topic's is T2: it was deleted and made anew"],
  repairedTo: 0,
  spark: 'reads on from 40, in the middle of another log, without a word',
}

/** There are 40 records, and broker 3 comes back. What is returned makes it lose its controller and miss that the topic is made anew and grows past that. */
export async function restartBroker(scene: Scene): Promise<() => Promise<void>> {
  const [fresh, stale] = [scene.kafka.broker(1), scene.kafka.broker(3)]
  await scene.createTopic({ replicas: [[1]] })
  await scene.produce(40)
  const controller = controllerOf(stale)
  const proxy = await startProxy({ target: controller, protocol: kafkaFrames })
  scene.onEnd(() => proxy.close())
  await stale.stop()
  pointToController(stale, controller, proxy.port)
  await stale.start()
  await scene.seenFrom(stale, 'T1')
  return async () => {
    proxy.cut()
    await scene.createTopic({ replicas: [[1]] })
    await scene.produce(60)
    await scene.seenFrom(fresh, 'T2')
    await scene.seenFrom(stale, 'T1')
    pointToController(stale, proxy.port, controller)
  }
}

/** Broker 3 can't stop in good order without its controller. */
export async function mendStranded({ kafka }: Scene): Promise<void> {
  await kafka.broker(3).kill()
  await kafka.broker(3).start()
}

/** A log that hears of nothing else before it has asked that broker. */
export async function logFrom(scene: Scene, broker: Broker): Promise<Log> {
  const log = await connect({ bootstrapServers: broker.address })
  scene.onEnd(() => log.close())
  return log
}

async function brokersSeenFrom({ port }: Broker): Promise<number[]> {
  const connection = new Connection('incident')
  await connection.connect('127.0.0.1', port)
  const { brokers } = await metadataV12.api.async(connection, [], false, false)
  await connection.close()
  return brokers.map(({ nodeId }) => nodeId)
}

function settingsOf(broker: Broker): string {
  return join(dirname(broker.dataDir), 'server.properties')
}

function controllerOf(broker: Broker): number {
  return Number(/^controller\.quorum\.voters=.*:(\d+)$/m.exec(readFileSync(settingsOf(broker), 'utf8'))?.[1])
}

/** From its next start on, the broker finds its controller on another port. */
function pointToController(broker: Broker, from: number, to: number): void {
  const file = settingsOf(broker)
  writeFileSync(file, readFileSync(file, 'utf8').replace(new RegExp(`^(controller\\.quorum\\.voters=.*:)${from}$`, 'm'), `$1${to}`))
}
