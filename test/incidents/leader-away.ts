import { waitFor } from '../../lab/wait.ts'
import type { Incident } from './incident.ts'

/** The only broker that has the partition is down: nothing can be known, so nothing is said and nothing is moved. */
export const leaderAway: Incident = {
  name: 'leader away',
  source: 'https://github.com/Parsely/pykafka/issues/319',
  async happens(scene) {
    await scene.createTopic({ replicas: [[2]] })
    await scene.produce(40)
    await scene.read()
    await scene.kafka.broker(2).kill()
    await waitFor('the cluster to miss it', async () => {
      const [facts] = await scene.log.facts([{ topic: scene.topic, partition: 0 }])
      return facts?.state === 'unknown' && facts.reason === 'NO_LEADER'
    })
  },
  mends: (scene) => scene.kafka.broker(2).start(),
  verdict: 'unknown',
  evidence: ['NO_LEADER: no broker leads the partition now (LEADER_NOT_AVAILABLE)'],
  repairedTo: null,
  spark: 'waits, then fails the query: TimeoutException',
}
