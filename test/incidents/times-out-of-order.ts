import type { Incident } from './incident.ts'

/** Producers stamp as they like (CreateTime): what was made an hour ago comes last, and what is stamped half an hour ahead comes first. */
export const timesOutOfOrder: Incident = {
  name: 'times out of order below a bare number',
  source: 'https://cwiki.apache.org/confluence/display/KAFKA/KIP-32+-+Add+timestamps+to+Kafka+message',
  store: 'zookeeper',
  async happens(scene) {
    const hour = 3_600_000
    await scene.createTopic()
    for (const ago of [-hour / 2, hour, -hour / 2, 2 * hour]) await scene.produce(5, { ago })
    await scene.commitBare(20)
    await scene.produce(5, { ago: 3 * hour })
  },
  verdict: 'valid',
  evidence: [
    'the offset 20 lies within the log, 0 to 25',
    'identity not stored: a topic made anew would not be seen',
    'leader epoch not stored: a truncated log would not be seen',
  ],
  repairedTo: null,
  spark: 'reads on from 20',
}
