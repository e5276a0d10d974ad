import { Consumer } from '@platformatic/kafka'
import { group, partitions, topic } from './stage.ts'
import type { Story } from './story.ts'
import { during, heading, output, say, verdict } from './tell.ts'
import { withZooKeeper } from './zookeeper.ts'

/** The article's job, without anything of Tidemark's: reads the number in each znode and fetches from there. Returns whether it got exactly the next orders. */
export async function oldJobGoesOn(story: Story): Promise<boolean> {
  const { stage, orders } = story
  heading('And without Tidemark')
  const next = await orders.produce(2 * partitions.length)
  say(
    `Nobody is locked in: the znodes hold the same bare numbers as ever. ${next.length} more orders arrive, and this time the article's old job reads them, in a few lines ` +
      'with the plain ZooKeeper client, a plain Kafka consumer, and nothing of Tidemark:',
  )
  const offsets = await storedNumbers(stage.zooKeeper.connectString)
  output(['', ...offsets.map((offset, partition) => `/consumers/${group}/offsets/${topic}/${partition}  ${offset}`)].join('\n'))
  const got = await during('the old job reads', readFrom(stage.kafka.bootstrapServers, offsets, next.length))
  output(`fetched from there: ${got.join(' ')}`)
  const wanted = next.map(({ id }) => id)
  const exact = got.toSorted().join() === wanted.toSorted().join()
  verdict(exact, exact ? 'Those are exactly the next orders.' : `THE NEXT ORDERS ARE OTHERS: ${wanted.join(' ')}`)
  return exact
}

async function storedNumbers(servers: string): Promise<string[]> {
  return withZooKeeper(servers, (zooKeeper) =>
    Promise.all(partitions.map((partition) => zooKeeper.get(`/consumers/${group}/offsets/${topic}/${partition}`))),
  )
}

/** Reads so many records, and whatever else comes within a moment. */
async function readFrom(bootstrapServers: string, offsets: readonly string[], count: number): Promise<string[]> {
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
