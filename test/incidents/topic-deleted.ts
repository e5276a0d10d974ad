import type { Incident } from './incident.ts'

/** The topic is deleted, and the offset in the store of one's own stays. */
export const topicDeleted: Incident = {
  name: 'topic deleted',
  source: 'https://github.com/pinterest/secor/issues/126',
  async happens(scene) {
    await scene.createTopic()
    await scene.produce(10)
    await scene.read()
    await scene.admin.deleteTopic(scene.topic)
  },
  verdict: 'orphaned',
  evidence: ['the cluster has no topic orders'],
  repairedTo: null,
  spark: 'fails the query',
}
