import type { Incident } from './incident.ts'

/** A topic is deleted and made anew, and has fewer records now than the group had read. */
export const recreatedOutOfRange: Incident = {
  name: 'recreated, out of range',
  source: 'https://github.com/strimzi/strimzi-kafka-operator/issues/9269',
  async happens(scene) {
    await scene.createTopic()
    await scene.produce(100)
    await scene.read()
    await scene.createTopic()
    await scene.produce(30)
  },
  verdict: 'recreated',
  evidence: ["the offset was stored for the topic ID T1, and the topic's is T2: it was deleted and made anew"],
  repairedTo: 0,
  spark: 'fails the query (failOnDataLoss=true), or goes on from 30 with a warning',
}
