import type { Incident } from './incident.ts'

/** A producer dies in a transaction while a job runs: the job has nothing to do, and says why. */
export const hangingTransactionUnderAJob: Incident = {
  name: 'hanging transaction under a job',
  source: 'https://cwiki.apache.org/confluence/display/KAFKA/KIP-664%3A+Provide+tooling+to+detect+and+abort+hanging+transactions',
  underAJob: true,
  async happens(scene) {
    const { topic } = scene
    await scene.createTopic()
    await scene.produce(5)
    const job = scene.startJob()
    await job.until(() => job.handled.length === 5)
    await scene.admin.transact(`hanging ${topic}`, [{ topic, partition: 0, value: 'pending' }], 'leave open')
    const told = /^waiting for .*: OPEN_TRANSACTION: the last stable offset 5 has not moved for \d+ s, and is 1 below the log end$/
    await job.until(() => job.notices.some(({ kind, text }) => kind === 'waiting' && told.test(text)))
    await job.stop()
  },
  verdict: 'valid',
  evidence: [
    'the offset 5 lies within the log, 0 to 6',
    'an open transaction holds the last stable offset at 5, 1 below the log end: a read_committed reader gets no further until it ends',
  ],
  repairedTo: null,
  spark: 'waits without a word (kafka.isolation.level=read_committed)',
}
