import { repair } from '../../src/index.ts'
import type { Incident } from './incident.ts'
import { truncateAndRegrow } from './unclean-election.ts'

/** The same, of a bare number that was given the identity of the log as it was (`repair --adopt`): its leader epoch tells. */
export const truncatedAndRegrownAdopted: Incident = {
  name: 'truncated and regrown past an adopted number',
  source: 'https://cwiki.apache.org/confluence/display/KAFKA/KIP-320%3A+Allow+fetchers+to+detect+and+handle+log+truncation',
  store: 'zookeeper',
  happens: (scene) =>
    truncateAndRegrow(scene, {
      last: async () => {
        await scene.commitBare(100)
        await repair(scene.log, scene.store, { ...scene.options, adopt: true, execute: true })
      },
    }),
  verdict: 'truncated',
  evidence: [
    'records up to 100 were read in leader epoch E1, and the leader, now at epoch E2, has none of that epoch from 60 on: the log was cut at most at 60 and grew again',
    'its identity is assumed since M1: whether what was read before was of it is not proven',
  ],
  repairedTo: 0,
  spark: 'reads on from 100, and never reads the 40 new records below it',
}
