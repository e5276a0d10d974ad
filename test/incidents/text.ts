import type { Incident } from './incident.ts'

/** Another program's format where the number belongs: a Storm spout's JSON. */
export const text: Incident = {
  name: 'text',
  source: 'https://github.com/quantifind/KafkaOffsetMonitor/issues/69',
  store: 'zookeeper',
  async happens(scene) {
    await scene.createTopic()
    await scene.produce(10)
    await scene.commitBare('{"offset":7,"partition":0}')
  },
  verdict: 'corrupt',
  evidence: [String.raw`the stored value "{\"offset\":7,\"partition\":0}" is no offset: it is no whole number`],
  repairedTo: null,
  spark: 'fails the query: the checkpoint is malformed',
}
