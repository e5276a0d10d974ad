import { Admin } from '@platformatic/kafka'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { startKafka } from '../../lab/kafka.ts'
import { waitFor } from '../../lab/wait.ts'
import { connect } from '../../src/kafka/connect.ts'
import { openKafka } from '../../src/store/kafka/driver.ts'
import { storeConformance } from '../../src/testing/index.ts'
import { commitRaw, deleteOffset } from './kafka-scene.ts'

const directory = mkdtempSync(join(tmpdir(), 'tidemark-kafka-store-'))
const kafka = await startKafka()
const { bootstrapServers } = kafka
after(async () => {
  await kafka.close()
  rmSync(directory, { recursive: true })
})
await createTopics({ orders: 1_000, 'orders-2': 1, invoices: 1 })

/** A group can hold offsets only of partitions that exist; so many take a broker on a busy machine a while. */
async function createTopics(topics: Readonly<Record<string, number>>): Promise<void> {
  const admin = new Admin({ clientId: 'lab', bootstrapBrokers: bootstrapServers.split(',') })
  await using log = await connect({ bootstrapServers })
  for (const [topic, count] of Object.entries(topics)) {
    await admin.createTopics({ topics: [topic], partitions: count, replicas: 1 })
    const partitions = Array.from({ length: count }, (_, partition) => ({ topic, partition }))
    const areLed = async () => (await log.facts(partitions)).every(({ state }) => state === 'known')
    await waitFor(`the partitions of ${topic}`, areLed, 180_000, 250)
  }
  await admin.close()
}

storeConformance({
  name: 'kafka',
  test,
  capabilities: {
    durable: true,
    shared: true,
    anyGroupName: true,
    bareNumber: true,
    transactions: false,
    progress: false,
    members: false,
    compareAndSet: false,
    groups: true,
  },
  unreadable: ['-1', '-5', '9223372036854775807'],
  open: () => openKafka(`kafka://${bootstrapServers}`, { mode: 'write', timeoutMs: 20_000, ledger: join(directory, 'ledger.db') }),
  plant: (group, partition, text) => commitRaw(kafka, group, { ...partition, offset: BigInt(text) }),
  erase: (group, partition) => deleteOffset(kafka, group, partition),
})
