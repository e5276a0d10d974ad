import { Consumer } from '@platformatic/kafka'
import { topic } from './stage.ts'

/** Reads so many records with the plain Kafka client, one offset for each partition. */
export async function consume(bootstrapServers: string, offsets: readonly string[], count: number): Promise<string[]> {
  const consumer = new Consumer({ clientId: 'old-job', groupId: 'old-job', bootstrapBrokers: [bootstrapServers] })
  const places = offsets.map((offset, partition) => ({ topic, partition, offset: BigInt(offset) }))
  const stream = await consumer.consume({ topics: [topic], mode: 'manual', offsets: places, autocommit: false, maxWaitTime: 200 })
  const got: string[] = []
  for await (const message of stream) {
    got.push(String(message.value))
    if (got.length >= count) break
  }
  await consumer.close(true)
  return got
}
