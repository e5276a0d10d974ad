import type { Incident } from './incident.ts'

/** A consumer of another language wrote what it calls "no offset yet". */
export const minusOne: Incident = {
  name: 'minus one',
  source: 'https://github.com/IBM/sarama/issues/925',
  store: 'zookeeper',
  async happens(scene) {
    await scene.createTopic()
    await scene.produce(10)
    await scene.commitBare('-1')
  },
  verdict: 'corrupt',
  evidence: ['the stored value "-1" is no offset: it is negative'],
  repairedTo: null,
  spark: "can't be in a checkpoint",
}
