import type { Incident } from './incident.ts'

/** A producer died in a transaction: nobody who reads committed records gets any further, and every lag grows. */
export const hangingTransaction: Incident = {
  name: 'hanging transaction',
  source: 'https://github.com/softwaremill/klag-exporter/issues/104',
  async happens(scene) {
    const { topic } = scene
    await scene.createTopic()
    await scene.produce(5)
    await scene.admin.transact(`hanging ${topic}`, [{ topic, partition: 0, value: 'pending' }], 'leave open')
    await scene.produce(20)
    await scene.read()
  },
  verdict: 'valid',
  evidence: [
    'the offset 5 lies within the log, 0 to 26',
    'an open transaction holds the last stable offset at 5, 21 below the log end: a read_committed reader gets no further until it ends',
  ],
  repairedTo: null,
  spark: 'waits without a word (kafka.isolation.level=read_committed)',
}
