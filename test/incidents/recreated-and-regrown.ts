import type { Incident } from './incident.ts'

/** A topic is deleted and made anew, and grows past the group's offset before anybody looks: by its range it is in order. */
export const recreatedAndRegrown: Incident = {
  name: 'recreated and regrown past the offset',
  source: 'https://dev.to/kevinwallimann/how-to-recover-from-a-kafka-topic-reset-in-spark-structured-streaming-3phd',
  async happens(scene) {
    await scene.createTopic()
    await scene.produce(100)
    await scene.read()
    await scene.createTopic()
    await scene.produce(150)
  },
  verdict: 'recreated',
  evidence: ["the offset was stored for the topic ID T1, and the topic's is T2: it was deleted and made anew"],
  repairedTo: 0,
  spark: 'reads on from 100, in the middle of another log, without a word',
}
