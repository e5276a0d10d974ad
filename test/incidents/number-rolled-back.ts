import type { Incident } from './incident.ts'

/** Only the numbers in ZooKeeper are restored from an export, and what Tidemark keeps beside them is not: there is the second record. */
export const numberRolledBack: Incident = {
  name: 'numbers restored to older ones',
  source: 'https://github.com/apache/iceberg/issues/10892',
  store: 'zookeeper',
  async happens(scene) {
    await scene.createTopic()
    await scene.produce(100)
    await scene.read()
    await scene.commitBare(50)
  },
  verdict: 'valid',
  evidence: [
    'the offset 50 lies within the log, 0 to 100',
    'identity not stored: a topic made anew would not be seen',
    'leader epoch not stored: a truncated log would not be seen',
    'another program put 50 there: Tidemark saved 100 last',
  ],
  repairedTo: null,
  spark: 'reads 50 records a second time, without a word',
}
