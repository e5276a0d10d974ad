import type { Incident } from './incident.ts'
import { truncateAndRegrow } from './unclean-election.ts'

/** The same of an ordinary group, whose Java consumer commits the last record's epoch and nothing of those before: the cut is seen, and where it was is not proven. */
export const truncatedAndRegrownEpoch: Incident = {
  name: "truncated and regrown past a group's offset with its epoch",
  source: 'https://cwiki.apache.org/confluence/display/KAFKA/KIP-320%3A+Allow+fetchers+to+detect+and+handle+log+truncation',
  store: 'kafka',
  happens: (scene) => truncateAndRegrow(scene, { last: () => scene.readWithJava(100) }),
  verdict: 'truncated',
  evidence: [
    'records up to 100 were read in leader epoch E1, and the leader, now at epoch E2, has none of that epoch from 60 on: the log was cut at most at 60 and grew again',
  ],
  repairedTo: 0,
  spark: 'reads on from 100, and never reads the 40 new records below it',
}
