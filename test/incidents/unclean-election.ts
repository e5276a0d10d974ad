import assert from 'node:assert/strict'
import type { TopicOptions } from '../../lab/admin.ts'
import type { Scene } from './scene.ts'

/** A topic whose records an unclean election can take away: broker 2 leads, broker 3 follows. */
export const uncleanTopic: TopicOptions = {
  replicas: [[2, 3]],
  configs: { 'unclean.leader.election.enable': true, 'min.insync.replicas': 1 },
}

/** What happens in between, of each incident that shares the election. */
interface Between {
  /** Broker 3 is away, and broker 2 leads on in a new epoch that broker 3 knows nothing of: what is written now will be lost. */
  readonly onTheOldLeader: () => Promise<void>
  /** Broker 2 is dead, and broker 3 leads without those records. */
  readonly onTheNewLeader: () => Promise<void>
}

/** Broker 3 falls behind, broker 2 dies, and broker 3 is elected all the same (KIP-106); then broker 2 comes back and cuts its log. */
export async function uncleanElection(scene: Scene, { onTheOldLeader, onTheNewLeader }: Between): Promise<void> {
  const { kafka } = scene
  await scene.meet('broker 3 stops', () => kafka.broker(3).stop())
  await scene.meet('broker 2 leads in a new epoch', () => kafka.broker(2).restart())
  await onTheOldLeader()
  await scene.meet('broker 2 dies', () => kafka.broker(2).kill())
  await scene.meet('broker 3 comes back', () => kafka.broker(3).start())
  await onTheNewLeader()
  await scene.meet('broker 2 comes back', () => kafka.broker(2).start())
}

/** How the group comes to stand behind the first 60 records, and then behind the 40 that are lost. */
interface Reading {
  readonly first?: () => Promise<void>
  readonly last: () => Promise<void>
}

/** 60 records, 40 more that an unclean election takes away after the group went past them, and 70 in their place. */
export async function truncateAndRegrow(scene: Scene, { first, last }: Reading): Promise<void> {
  await scene.createTopic(uncleanTopic)
  await scene.produce(60)
  await first?.()
  await uncleanElection(scene, {
    onTheOldLeader: async () => {
      await scene.produce(40)
      await last()
    },
    onTheNewLeader: async () => {
      await scene.ledBy(3)
      await scene.produce(70)
    },
  })
  assert.deepEqual(await scene.goneRecords(), { from: 60, until: 100 })
}
