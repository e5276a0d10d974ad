import type { Incident } from './incident.ts'
import { truncateAndRegrow } from './unclean-election.ts'

/** The same, of an offset that is a number and nothing else: nobody can know, and the row says so. */
export const truncatedAndRegrownBare: Incident = {
  name: 'truncated and regrown past a bare number',
  source: 'https://cwiki.apache.org/confluence/display/KAFKA/KIP-320%3A+Allow+fetchers+to+detect+and+handle+log+truncation',
  store: 'zookeeper',
  happens: (scene) => truncateAndRegrow(scene, { last: () => scene.commitBare(100) }),
  verdict: 'valid',
  evidence: [
    'the offset 100 lies within the log, 0 to 130',
    'identity not stored: a topic made anew would not be seen',
    'leader epoch not stored: a truncated log would not be seen',
  ],
  repairedTo: null,
  spark: 'reads on from 100, and never reads the 40 new records below it',
}
