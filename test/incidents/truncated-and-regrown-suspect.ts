import type { Incident } from './incident.ts'
import { truncateAndRegrow } from './unclean-election.ts'

/** The same bare number, and clocks that are trusted to a second: what lies just below it was written after it was committed. */
export const truncatedAndRegrownSuspect: Incident = {
  name: 'truncated and regrown past a bare number, told by the times',
  source: 'https://cwiki.apache.org/confluence/display/KAFKA/KIP-320%3A+Allow+fetchers+to+detect+and+handle+log+truncation',
  store: 'zookeeper',
  clockSkewMs: 1_000,
  happens: (scene) => truncateAndRegrow(scene, { last: () => scene.commitBare(100) }),
  verdict: 'suspect',
  evidence: [
    'the log just below the offset was written after the commit at M2: the batch at 60 to 99, from M3 on (CreateTime); the first later record is at 60, while its first batch, at 0 to 59, from M1 on (CreateTime), was not: perhaps the log was cut there and grew again',
  ],
  repairedTo: null,
  spark: 'reads on from 100, and never reads the 40 new records below it',
}
