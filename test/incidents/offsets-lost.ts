import { removeAll } from '../store/zookeeper-scene.ts'
import type { Incident } from './incident.ts'

/** The group's offsets are gone, as if it had never read anything: not a new group's beginning. */
export const offsetsLost: Incident = {
  name: "the group's offsets gone",
  source: 'https://github.com/Parsely/pykafka/issues/504',
  store: 'zookeeper',
  async happens(scene) {
    await scene.createTopic()
    await scene.produce(100)
    await scene.read()
    await removeAll(scene.zooKeeper, `/consumers/${scene.group}`)
  },
  verdict: 'lost',
  evidence: ['nothing is stored, but what Tidemark kept beside it is still there', 'Tidemark saved 100 last'],
  repairedTo: null,
  spark: 'a checkpoint that is gone is a new query: startingOffsets, latest by default',
}
