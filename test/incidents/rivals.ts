import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import kafkajs from 'kafkajs'
import { javaArguments, smallServer } from '../../lab/java.ts'
import { waitFor } from '../../lab/wait.ts'
import type { Scene } from './scene.ts'
import type { Stage } from './stage.ts'

const command = 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand'

/** How long kafkajs is given to begin to read, ms. */
const patienceMs = 15_000

/** It reads nothing if it has fetched so often and for so long: it fetches again and again while its first records wait to be handed out. */
const enough = { fetches: 8, ms: 3_000 }

/** What kafka-consumer-groups shows, by `group partition`; of all groups in one go, since a JVM is slow to start. */
export async function describeGroups({ kafka }: Stage, groups: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const args = ['--bootstrap-server', kafka.bootstrapServers, '--timeout', '4000', '--describe', '--offsets', '--all-groups']
  const { stdout } = await promisify(execFile)('java', javaArguments('kafka', smallServer('kafka', '-Xmx256m'), [command, ...args]))
  const rows = stdout.split('\n').map((line) => line.trim().split(/\s+/))
  const shown = rows.filter(([, , partition]) => /^\d+$/.test(partition ?? ''))
  const failed = /^Error: .*\b(\w+Exception)/m.exec(stdout)?.[1]
  if (shown.length === 0 && failed !== undefined) return new Map(groups.map((group) => [`${group} 0`, `fails: ${failed}`]))
  return new Map(
    shown.map(([group = '', , partition = '', offset = '', end = '', lag = '']) => [
      `${group} ${partition}`,
      `offset ${offset}, end ${end}, lag ${lag}`,
    ]),
  )
}

/** What a kafkajs consumer with its defaults does that joins the group now: where it reads on, and what it commits meanwhile. */
export async function consumeWithKafkajs({ kafka, group, topic }: Scene, partition: number): Promise<string> {
  const client = new kafkajs.Kafka({
    brokers: kafka.bootstrapServers.split(','),
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 3, initialRetryTime: 100 },
  })
  const admin = client.admin()
  const consumer = client.consumer({ groupId: group, maxWaitTimeInMs: 100 })
  await admin.connect()
  try {
    const committed = async (): Promise<string> => {
      const [found] = await admin.fetchOffsets({ groupId: group, topics: [topic] })
      return found?.partitions.find((one) => one.partition === partition)?.offset ?? '-1'
    }
    const before = await committed().catch(() => '-1')
    const read = await readWith(consumer, topic, partition)
    if ('failure' in read) return `fails: ${read.failure}`
    const after = await committed()
    const where =
      read.first === undefined ? 'reads nothing' : read.first === before ? `reads on from ${before}` : `reads from ${read.first}`
    const isReset = read.first === undefined && after !== before
    return isReset ? `${where}, and commits ${after}${before === '-1' ? '' : ` over ${before}`}` : where
  } finally {
    await consumer.disconnect()
    await admin.disconnect()
  }
}

/** The first offset that is handed out; undefined: none, although it asked again and again. */
async function readWith(
  consumer: kafkajs.Consumer,
  topic: string,
  partition: number,
): Promise<{ readonly first: string | undefined } | { readonly failure: string }> {
  let first: string | undefined
  let fetches = 0
  let since = Number.POSITIVE_INFINITY
  let failure: string | undefined
  consumer.on('consumer.fetch', () => {
    if (fetches++ === 0) since = performance.now()
  })
  consumer.on('consumer.crash', ({ payload }) => (failure ??= payload.error.message))
  try {
    await consumer.connect()
    await consumer.subscribe({ topics: [topic] })
    await consumer.run({
      eachMessage: async (message) => {
        if (message.partition === partition) first ??= message.message.offset
      },
    })
    const hasTried = (): boolean => fetches > enough.fetches && performance.now() - since > enough.ms
    await waitFor('kafkajs to read', () => first !== undefined || failure !== undefined || hasTried(), patienceMs)
  } catch (error) {
    failure ??= error instanceof kafkajs.KafkaJSError ? error.message : 'it waits'
  }
  await consumer.stop()
  return failure === undefined ? { first } : { failure }
}
