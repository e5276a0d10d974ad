import type { EpochEnd } from '../core/facts.ts'
import type { EpochStart, TopicPartition } from '../core/position.ts'
import { Failure, type Send } from './leaders.ts'
import { errorName, offsetForLeaderEpoch } from './protocol.ts'
import { distinct, type Roster } from './roster.ts'
import { nextEpoch } from './walk.ts'

/** A group's stored epochs of one partition on their way back through the leader's history. */
export interface Walk extends TopicPartition {
  /** The current leader's epoch. */
  readonly leaderEpoch: number
  /** Oldest first. */
  readonly epochs: readonly EpochStart[]
  /** The committed offset: how far the newest epoch was read. */
  readonly offset: number | undefined
  /** The leader's answers so far, newest epoch first. */
  readonly ends: EpochEnd[]
  /** What ended the walk. */
  failure?: Failure
}

/**
 * Asks one leader where the stored epochs end, newest first. Where its history agrees with what was read that is one
 * request; a partition where it diverges is asked for the next older epoch, as KIP-101 walks back, until the two agree.
 */
export async function walkBack(send: Send, walks: readonly Walk[]): Promise<void> {
  let pending = walks
  for (;;) {
    pending = pending.filter((walk) => walk.failure === undefined && next(walk) !== undefined)
    if (pending.length === 0) return
    await Promise.all(distinct(pending).map((roster) => askEpochs(send, roster)))
  }
}

function next({ epochs, offset, ends }: Walk): number | undefined {
  return nextEpoch(epochs, offset, ends)
}

async function askEpochs(send: Send, roster: Roster<Walk>): Promise<void> {
  const topics = roster.topics((walk) => ({
    partitionIndex: walk.partition,
    currentLeaderEpoch: walk.leaderEpoch,
    leaderEpoch: next(walk) ?? -1,
  }))
  // The replica ID -1 is a consumer's.
  const response = await send(offsetForLeaderEpoch, [-1, topics])
  const unanswered = new Set(roster.items)
  for (const { topic, partitions } of response.topics) {
    for (const { partition, errorCode, leaderEpoch, endOffset } of partitions) {
      const walk = roster.items[roster.indexOf(topic, partition)]
      if (walk === undefined) continue
      unanswered.delete(walk)
      if (errorCode !== 0) walk.failure = new Failure(errorName(errorCode))
      else walk.ends.push({ asked: next(walk) ?? -1, epoch: leaderEpoch, endOffset: Number(endOffset) })
    }
  }
  for (const walk of unanswered) walk.failure = new Failure('NO_ANSWER')
}
