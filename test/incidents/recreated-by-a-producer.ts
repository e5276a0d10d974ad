import { Producer } from '@platformatic/kafka'
import { waitFor } from '../../lab/wait.ts'
import type { Incident } from './incident.ts'

/** A topic is deleted for good, and a producer that nobody stopped has the broker make it again, with the broker's defaults. */
export const recreatedByAProducer: Incident = {
  name: "recreated by a producer's auto-create",
  source: 'https://github.com/danielqsj/kafka_exporter/issues/45',
  async happens(scene) {
    await scene.createTopic()
    await scene.produce(10)
    await scene.read()
    await scene.admin.deleteTopic(scene.topic)
    const bootstrapBrokers = scene.kafka.bootstrapServers.split(',')
    const producer = new Producer({ clientId: 'forgotten', bootstrapBrokers, autocreateTopics: true, retries: 10, retryDelay: 100 })
    const message = { topic: scene.topic, partition: 0, value: Buffer.from('still here') }
    for (let sent = 0; sent < 12; sent++) await waitFor('the producer to get through', async () => producer.send({ messages: [message] }))
    await producer.close()
    const [made] = await scene.log.topics([scene.topic])
    if (made?.state === 'known') scene.topics.push({ topicId: made.topicId, since: Date.now() })
  },
  verdict: 'recreated',
  evidence: ["the offset was stored for the topic ID T1, and the topic's is T2: it was deleted and made anew"],
  repairedTo: 0,
  spark: 'reads on from 10, in the middle of another log, without a word',
}
