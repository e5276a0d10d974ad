import { waitFor } from '../../lab/wait.ts'
import { repair } from '../../src/index.ts'
import type { Incident } from './incident.ts'

/** A Kafka group is idle for longer than the broker keeps its offsets: they are gone, and only the ledger says that there were any. */
export const groupExpired: Incident = {
  name: "a Kafka group's offsets expired",
  source: 'https://github.com/confluentinc/librdkafka/issues/1442',
  store: 'kafka',
  async happens(scene) {
    await scene.createTopic()
    await scene.produce(50)
    await repair(scene.log, scene.store, { ...scene.options, execute: true })
    const isGone = async () => (await scene.store.load(scene.group)).every(({ stored }) => stored.state === 'absent')
    await waitFor('the broker to forget the group', isGone, 120_000, 500)
  },
  verdict: 'lost',
  evidence: ['nothing is stored, but the ledger has moves of this very partition'],
  repairedTo: null,
  spark: 'keeps its offsets in its checkpoint',
}
