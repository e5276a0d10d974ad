import type { Incident } from './incident.ts'
import { logFrom, mendStranded, restartBroker } from './stale-broker.ts'

/** The broker that a running job has asked first goes on naming the old ID of a topic that was made anew: the job asks another one too, and reads the new topic from its beginning. */
export const staleBrokerUnderAJob: Incident = {
  name: 'a broker just restarted, with stale metadata, under a job',
  source: 'https://github.com/confluentinc/librdkafka/issues/69',
  underAJob: true,
  async happens(scene) {
    const strand = await restartBroker(scene)
    scene.log = await logFrom(scene, scene.kafka.broker(3))
    const job = scene.startJob()
    await job.until(() => job.handled.length === 40)
    await strand()
    await job.until(() => job.handled.length === 100)
    await job.stop()
  },
  mends: mendStranded,
  verdict: 'recreated',
  evidence: ["the offset was stored for the topic ID T1, and the topic's is T2: it was deleted and made anew"],
  repairedTo: 0,
  spark: 'fails the query (failOnDataLoss=true), or goes on from 60 with a warning',
}
