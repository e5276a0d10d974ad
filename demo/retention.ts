import { setTimeout as sleep } from 'node:timers/promises'
import { Admin, ConfigResourceTypes, IncrementalAlterConfigOperationTypes } from '@platformatic/kafka'
import { waitFor } from '../lab/wait.ts'
import type { LabAdmin } from '../lab/admin.ts'
import { partitions, topic } from './stage.ts'
import { event } from './tell.ts'

const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: topic }
const name = 'retention.ms'

/** Has the broker remove everything that is in the topic now, by its own retention. */
export async function letRetentionPass(bootstrapServers: string, topics: LabAdmin): Promise<void> {
  const admin = new Admin({ clientId: 'demo', bootstrapBrokers: [bootstrapServers] })
  try {
    await alter(admin, { name, configOperation: IncrementalAlterConfigOperationTypes.SET, value: '1' })
    for (const partition of partitions) {
      const { start } = await waitFor('retention to remove the records', () => emptied(topics, partition))
      event('Kafka', `removed all records of ${topic}-${partition} below ${start}`)
    }
    await alter(admin, { name, configOperation: IncrementalAlterConfigOperationTypes.DELETE })
    await waitFor('retention to be long again', async () => (await retention(admin)) !== '1')
    // A round that began with the short retention may still be under way; the lab's broker makes one every 200 ms.
    await sleep(400)
  } finally {
    await admin.close()
  }
}

async function emptied(topics: LabAdmin, partition: number): Promise<{ start: number } | undefined> {
  const { start, end } = await topics.offsets(topic, partition)
  return start === end ? { start } : undefined
}

type Change = Parameters<Admin['incrementalAlterConfigs']>[0]['resources'][number]['configs'][number]

async function alter(admin: Admin, change: Change): Promise<void> {
  await admin.incrementalAlterConfigs({ resources: [{ ...resource, configs: [change] }] })
}

async function retention(admin: Admin): Promise<string | null | undefined> {
  const [described] = await admin.describeConfigs({ resources: [{ ...resource, configurationKeys: [name] }] })
  return described?.configs[0]?.value
}
