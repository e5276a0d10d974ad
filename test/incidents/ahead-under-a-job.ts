import type { Incident } from './incident.ts'

/** Somebody puts a number beyond the log into ZooKeeper under a running job: nothing proves what of the log was read, so it reads all of it again, and the ledger says so. */
export const aheadUnderAJob: Incident = {
  name: 'ahead under a job',
  source: 'https://github.com/pinterest/secor/issues/348',
  store: 'zookeeper',
  underAJob: true,
  async happens(scene) {
    await scene.createTopic()
    await scene.produce(50)
    const job = scene.startJob()
    await job.until(async () => (await scene.readBare()) === '50')
    await scene.commitBare(1_000)
    await scene.produce(10)
    await job.until(() => job.handled.length === 110)
    await job.stop()
  },
  verdict: 'ahead',
  evidence: ['the offset 1000 is 940 beyond the log end 60', 'another program put 1000 there: Tidemark saved 50 last'],
  repairedTo: 0,
  spark: 'keeps its offsets in its checkpoint, which nobody is to touch while it runs',
}
