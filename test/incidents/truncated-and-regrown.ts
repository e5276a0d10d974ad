import type { Incident } from './incident.ts'
import { truncateAndRegrow } from './unclean-election.ts'

/** An unclean election takes records away that the group had read, and others are written in their place: by its range the offset is in order. */
export const truncatedAndRegrown: Incident = {
  name: 'truncated and regrown past the offset',
  source: 'https://cwiki.apache.org/confluence/display/KAFKA/KIP-320%3A+Allow+fetchers+to+detect+and+handle+log+truncation',
  happens: (scene) => truncateAndRegrow(scene, { first: () => scene.read(), last: () => scene.read() }),
  verdict: 'truncated',
  evidence: [
    'records up to 100 were read in leader epoch E1, and the leader, now at epoch E2, has none of that epoch from 60 on: the log was cut at 60 and grew again',
  ],
  repairedTo: 60,
  spark: 'reads on from 100, and never reads the 40 new records below it',
}
