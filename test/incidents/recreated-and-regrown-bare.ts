import type { Incident } from './incident.ts'

/** The same, of an offset that is a number and nothing else, within the time that clocks may be apart: nobody can know, and the row says so. */
export const recreatedAndRegrownBare: Incident = {
  name: 'recreated and regrown past a bare number',
  source: 'https://dev.to/kevinwallimann/how-to-recover-from-a-kafka-topic-reset-in-spark-structured-streaming-3phd',
  store: 'zookeeper',
  async happens(scene) {
    await scene.createTopic()
    await scene.produce(100)
    await scene.commitBare(100)
    await scene.createTopic()
    await scene.produce(150)
  },
  verdict: 'valid',
  evidence: [
    'the offset 100 lies within the log, 0 to 150',
    'identity not stored: a topic made anew would not be seen',
    'leader epoch not stored: a truncated log would not be seen',
  ],
  repairedTo: null,
  spark: 'reads on from 100, in the middle of another log, without a word',
}
