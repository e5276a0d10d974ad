import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { javaArguments, quickStart, temporaryFolder } from '../../lab/java.ts'
import type { KafkaCluster } from '../../lab/kafka.ts'
import { Server } from '../../lab/server.ts'
import { waitFor } from '../../lab/wait.ts'
import { connect } from '../../src/kafka/connect.ts'
import type { Groups } from '../../src/kafka/groups.ts'

/** Kafka's own console consumers. */
const MAINS = {
  consumer: 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  share: 'org.apache.kafka.tools.consumer.ConsoleShareConsumer',
} as const

/** Java's own consumer at work in a group; `properties` as in its properties file. It is a member when this returns, and killed when it is closed. */
export async function javaConsumer(
  kafka: KafkaCluster,
  kind: keyof typeof MAINS,
  { group, topic, properties = {} }: { group: string; topic: string; properties?: Record<string, string> },
): Promise<Server> {
  const folder = temporaryFolder('consumer')
  const named = Object.entries(properties).flatMap(([name, value]) => ['--consumer-property', `${name}=${value}`])
  const args = ['--bootstrap-server', kafka.bootstrapServers, '--topic', topic, '--group', group, ...named]
  const log = await connect({ bootstrapServers: kafka.bootstrapServers, timeoutMs: 20_000 })
  const consumer = new Server({
    name: `${kind} of ${group}`,
    command: 'java',
    args: javaArguments('kafka', ['-Xmx128m', ...quickStart], [MAINS[kind], ...args]),
    logFile: join(folder, 'consumer.log'),
    leftovers: [folder],
    isUp: async () => (await (log.groups as Groups).find(group))?.state === 'Stable',
  })
  try {
    await consumer.start()
  } finally {
    await log.close()
  }
  return consumer
}

/** A consumer of the classic protocol in this process. It is a member when this returns. */
export async function kafkajsConsumer(
  { bootstrapServers }: KafkaCluster,
  group: string,
  topic: string,
): Promise<{ close(): Promise<void> }> {
  const kafka = new Kafka({ clientId: 'billing-app', brokers: bootstrapServers.split(','), logLevel: logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId: group })
  const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve))
  await consumer.connect()
  await consumer.subscribe({ topics: [topic] })
  await consumer.run({ autoCommit: false, eachMessage: async () => {} })
  await joined
  return { close: () => consumer.disconnect() }
}

/** Waits until nobody is in the group any more. */
export async function emptied(groups: Groups, group: string): Promise<void> {
  await waitFor(`the group ${group} to be empty`, async () => (await groups.members(group)).length === 0, 60_000, 100)
}
