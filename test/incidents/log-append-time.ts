import { setTimeout as sleep } from 'node:timers/promises'
import type { Incident } from './incident.ts'

/** The broker stamps the records (KIP-32): producers whose clocks are an hour behind don't hide that the topic was made anew. */
export const logAppendTime: Incident = {
  name: 'the same with LogAppendTime, whatever the producers say',
  source: 'https://cwiki.apache.org/confluence/display/KAFKA/KIP-32+-+Add+timestamps+to+Kafka+message',
  store: 'zookeeper',
  clockSkewMs: 1_000,
  async happens(scene) {
    const configs = { 'message.timestamp.type': 'LogAppendTime' }
    await scene.createTopic({ configs })
    await scene.produce(100, { ago: 3_600_000 })
    await scene.commitBare(100)
    await sleep(1_500)
    await scene.createTopic({ configs })
    await scene.produce(150, { ago: 3_600_000 })
  },
  verdict: 'suspect',
  evidence: [
    'the whole log below the offset was written after the commit at M1: its first batch, at 0 to 99, from M2 on (LogAppendTime), and the one just below the offset, at 0 to 99, from M2 on (LogAppendTime): perhaps the topic was made anew',
  ],
  repairedTo: null,
  spark: 'reads on from 100, in the middle of another log, without a word',
}
