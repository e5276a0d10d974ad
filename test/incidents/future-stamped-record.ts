import type { Incident } from './incident.ts'

/** One producer's clock is half an hour ahead, within what a broker takes (KIP-937): a record that claims to be of the future proves nothing of those around it. */
export const futureStampedRecord: Incident = {
  name: 'a record from the future below a bare number',
  source: 'https://github.com/apache/kafka/pull/13709',
  store: 'zookeeper',
  async happens(scene) {
    await scene.createTopic()
    await scene.produce(5)
    await scene.produce(1, { ago: -30 * 60_000 })
    await scene.produce(5)
    await scene.commitBare(11)
    await scene.produce(9)
  },
  verdict: 'valid',
  evidence: [
    'the offset 11 lies within the log, 0 to 20',
    'identity not stored: a topic made anew would not be seen',
    'leader epoch not stored: a truncated log would not be seen',
  ],
  repairedTo: null,
  spark: 'reads on from 11',
}
