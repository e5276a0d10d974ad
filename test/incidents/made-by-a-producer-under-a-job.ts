import type { Incident } from './incident.ts'
import { madeByAProducer } from './recreated-by-a-producer.ts'

/** The same under a running job, which asks for the topic all the time and does not make it by that: the producer does. */
export const madeByAProducerUnderAJob: Incident = {
  name: "recreated by a producer's auto-create under a job",
  source: 'https://github.com/danielqsj/kafka_exporter/issues/45',
  underAJob: true,
  async happens(scene) {
    await scene.createTopic()
    await scene.produce(10)
    const job = scene.startJob()
    await job.until(() => job.handled.length === 10)
    await madeByAProducer(scene, 12)
    await job.until(() => job.handled.length === 22)
    await job.stop()
  },
  verdict: 'recreated',
  evidence: ["the offset was stored for the topic ID T1, and the topic's is T2: it was deleted and made anew"],
  repairedTo: 0,
  spark: 'fails the query (failOnDataLoss=true), or goes on from 12 with a warning',
}
