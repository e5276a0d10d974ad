import type { EpochEnd } from '../core/facts.ts'
import type { EpochStart, TopicPartition } from '../core/position.ts'
import { Failure, type Send } from './leaders.ts'
import { errorName, offsetForLeaderEpoch } from './protocol.ts'
import { distinct, type Roster } from './roster.ts'

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
  let pending = walks.filter(({ epochs }) => epochs.length > 0)
  while (pending.length > 0) {
    await Promise.all(distinct(pending).map((roster) => askEpochs(send, roster)))
    pending = pending.filter(isDiverging)
  }
}

function nextEpoch({ epochs, ends }: Walk): number | undefined {
  return epochs.at(-1 - ends.length)?.epoch
}

/** Whether the last answer leaves open how far the two histories agree, and an older epoch could tell. */
function isDiverging(walk: Walk): boolean {
  const { epochs, offset, ends, failure } = walk
  const last = ends.at(-1)
  if (failure !== undefined || last === undefined || nextEpoch(walk) === undefined) return false
  const readUntil = ends.length === 1 ? offset : epochs.at(1 - ends.length)?.startOffset
  return last.epoch !== last.asked || (readUntil !== undefined && last.endOffset < readUntil)
}

async function askEpochs(send: Send, roster: Roster<Walk>): Promise<void> {
  const topics = roster.topics((walk) => ({
    partitionIndex: walk.partition,
    currentLeaderEpoch: walk.leaderEpoch,
    leaderEpoch: nextEpoch(walk) ?? -1,
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
      else walk.ends.push({ asked: nextEpoch(walk) ?? -1, epoch: leaderEpoch, endOffset: Number(endOffset) })
    }
  }
  for (const walk of unanswered) walk.failure = new Failure('NO_ANSWER')
}
