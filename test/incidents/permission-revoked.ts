import type { Incident } from './incident.ts'

/** The right to describe the topic is taken away: its offset is not judged, and above all not called gone. */
export const permissionRevoked: Incident = {
  name: 'DESCRIBE permission revoked',
  source: 'https://github.com/redpanda-data/kminion/issues/40',
  async happens(scene) {
    await scene.createTopic()
    await scene.produce(10)
    await scene.read()
    await scene.lockOut()
  },
  verdict: 'unknown',
  evidence: ['TOPIC_AUTHORIZATION_FAILED: the cluster answered TOPIC_AUTHORIZATION_FAILED for the topic'],
  repairedTo: null,
  spark: 'fails the query: TopicAuthorizationException',
}
