import type { Incident } from './incident.ts'

/** Somebody frees disk space with kafka-delete-records, further than a group has read. */
export const expiredByDeleteRecords: Incident = {
  name: 'expired by DeleteRecords',
  source: 'https://github.com/platformatic/kafka/issues/304',
  async happens(scene) {
    await scene.createTopic()
    await scene.produce(40)
    await scene.read()
    await scene.produce(60)
    await scene.admin.deleteRecords(scene.topic, 0, 75)
  },
  verdict: 'expired',
  evidence: ['the offset 40 is below the log start 75: at most 35 records were removed before they were read'],
  repairedTo: 75,
  spark: 'fails the query (failOnDataLoss=true), or goes on from 75 with a warning',
}
