import { Producer } from '@platformatic/kafka'
import { waitFor } from '../../lab/wait.ts'
import type { Incident } from './incident.ts'
import type { Scene } from './scene.ts'

/** A topic is deleted for good, and a producer that nobody stopped has the broker make it again, with the broker's defaults. */
export const recreatedByAProducer: Incident = {
  name: "recreated by a producer's auto-create",
  source: 'https://github.com/danielqsj/kafka_exporter/issues/45',
  async happens(scene) {
    await scene.createTopic()
    await scene.produce(10)
    await scene.read()
    await madeByAProducer(scene, 12)
  },
  verdict: 'recreated',
  evidence: ["the offset was stored for the topic ID T1, and the topic's is T2: it was deleted and made anew"],
  repairedTo: 0,
  spark: 'reads on from 10, in the middle of another log, without a word',
}

/** Deletes the topic, and lets a producer of so many records make it again. */
export async function madeByAProducer(scene: Scene, records: number): Promise<void> {
  const { topic } = scene
  await scene.admin.deleteTopic(topic)
  const since = Date.now()
  const bootstrapBrokers = scene.kafka.bootstrapServers.split(',')
  const producer = new Producer({ clientId: 'forgotten', bootstrapBrokers, autocreateTopics: true, retries: 10, retryDelay: 100 })
  const ids = Array.from({ length: records }, (_, index) => `made by a producer, ${index}`)
  for (const id of ids)
    await waitFor('the producer to get through', async () => producer.send({ messages: [{ topic, partition: 0, value: Buffer.from(id) }] }))
  await producer.close()
  const [made] = await scene.log.topics([topic])
  const topicId = made?.state === 'known' ? made.topicId : ''
  scene.topics.push({ topicId, since })
  scene.orders.push(...ids.map((id, offset) => ({ id, topicId, partition: 0, offset })))
}
