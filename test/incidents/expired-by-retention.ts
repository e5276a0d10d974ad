import type { Incident } from './incident.ts'

const hour = 3_600_000

/** Retention is shortened, and removes a segment that a slow group has not read to its end. */
export const expiredByRetention: Incident = {
  name: 'expired by retention',
  source: 'https://github.com/tulios/kafkajs/issues/1119',
  async happens(scene) {
    await scene.createTopic({ configs: { 'segment.ms': 1_000 } })
    await scene.produce(40, { ago: 2 * hour })
    await scene.read()
    await scene.produce(20, { ago: 2 * hour })
    await scene.produce(40) // so much later that the broker begins a new segment
    await scene.configure({ 'retention.ms': hour })
    await scene.logStart(60)
  },
  verdict: 'expired',
  evidence: ['the offset 40 is below the log start 60: at most 20 records were removed before they were read'],
  repairedTo: 60,
  spark: 'fails the query (failOnDataLoss=true), or goes on from 60 with a warning',
}
