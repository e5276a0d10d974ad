import type { Incident } from './incident.ts'

/** Somebody corrects the offset in ZooKeeper by hand, and mistypes it: the log does not reach so far. */
export const ahead: Incident = {
  name: 'ahead',
  source: 'https://github.com/pinterest/secor/issues/348',
  store: 'zookeeper',
  async happens(scene) {
    await scene.createTopic()
    await scene.produce(100)
    await scene.commitBare(1_000)
  },
  verdict: 'ahead',
  evidence: ['the offset 1000 is 900 beyond the log end 100'],
  repairedTo: 0,
  spark: 'fails the query (failOnDataLoss=true), or goes on from 100 with a warning',
}
