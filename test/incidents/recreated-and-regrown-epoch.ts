import assert from 'node:assert/strict'
import { positionOf } from '../../src/core/custody.ts'
import type { Incident } from './incident.ts'
import { uncleanElection } from './unclean-election.ts'

/** A topic is made anew under a program that keeps its own position and commits it again, with the leader epoch: one that the new topic has not come to yet. */
export const recreatedAndRegrownEpoch: Incident = {
  name: "recreated and regrown past a group's offset with its epoch",
  source: 'https://github.com/confluentinc/librdkafka/issues/3009',
  store: 'kafka',
  async happens(scene) {
    await scene.createTopic({ replicas: [[2]] })
    await uncleanElection(scene, {
      onTheOldLeader: async () => {
        await scene.produce(40)
        await scene.readWithJava(40)
      },
      onTheNewLeader: async () => {},
    })
    const [committed] = await scene.store.load(scene.group)
    const { offset, leaderEpoch } = (committed && positionOf(committed)) ?? {}
    assert.ok(offset === 40 && leaderEpoch !== undefined && leaderEpoch > 0)
    await scene.createTopic({ replicas: [[2]] })
    await scene.produce(60)
    await scene.commitInGroup(offset, leaderEpoch)
  },
  verdict: 'recreated',
  evidence: ['no topic ID is stored, and the stored leader epoch E1 is newer than any the leader knows (0): another log'],
  repairedTo: 0,
  spark: 'reads on from 40, in the middle of another log, without a word',
}
