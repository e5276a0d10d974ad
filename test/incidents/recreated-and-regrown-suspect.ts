import { setTimeout as sleep } from 'node:timers/promises'
import type { Incident } from './incident.ts'

/** The same number, and clocks that are trusted to a second: all that lies below it was written after it was committed. */
export const recreatedAndRegrownSuspect: Incident = {
  name: 'recreated and regrown past a bare number, told by the times',
  source: 'https://dev.to/kevinwallimann/how-to-recover-from-a-kafka-topic-reset-in-spark-structured-streaming-3phd',
  store: 'zookeeper',
  clockSkewMs: 1_000,
  async happens(scene) {
    await scene.createTopic()
    await scene.produce(100)
    await scene.commitBare(100)
    await sleep(1_500)
    await scene.createTopic()
    await scene.produce(150)
  },
  verdict: 'suspect',
  evidence: [
    'the whole log below the offset was written after the commit at M1: its first batch, at 0 to 99, from M2 on (CreateTime), and the one just below the offset, at 0 to 99, from M2 on (CreateTime): perhaps the topic was made anew',
  ],
  repairedTo: null,
  spark: 'reads on from 100, in the middle of another log, without a word',
}
