import { repair } from '../../src/index.ts'
import type { Incident } from './incident.ts'

/** A bare number was given the identity that the topic had (`repair --adopt`), and then the topic is made anew. */
export const recreatedAfterAdoption: Incident = {
  name: 'recreated and regrown past an adopted number',
  source: 'https://dev.to/kevinwallimann/how-to-recover-from-a-kafka-topic-reset-in-spark-structured-streaming-3phd',
  store: 'zookeeper',
  async happens(scene) {
    await scene.createTopic()
    await scene.produce(100)
    await scene.commitBare(100)
    await repair(scene.log, scene.store, { ...scene.options, adopt: true, execute: true })
    await scene.createTopic()
    await scene.produce(150)
  },
  verdict: 'recreated',
  evidence: [
    "the offset was stored for the topic ID T1, and the topic's is T2: it was deleted and made anew",
    'its identity is assumed since M1: whether what was read before was of it is not proven',
  ],
  repairedTo: 0,
  spark: 'reads on from 100, in the middle of another log, without a word',
}
