import type { Incident } from './incident.ts'

/** A program wrote the largest number that there is, for "the end". */
export const longMaxValue: Incident = {
  name: 'Long.MAX_VALUE',
  source: 'https://github.com/SOHU-Co/kafka-node/issues/7',
  store: 'zookeeper',
  async happens(scene) {
    await scene.createTopic()
    await scene.produce(10)
    await scene.commitBare('9223372036854775807')
  },
  verdict: 'corrupt',
  evidence: ['the stored value "9223372036854775807" is no offset: it is beyond 2^53 - 1'],
  repairedTo: null,
  spark: "can't be in a checkpoint",
}
