import type { EpochEnd } from '../core/facts.ts'
import { keyOf, type EpochStart } from '../core/position.ts'
import { layers } from './layers.ts'
import type { Send } from './leaders.ts'
import type { Stop } from './locate.ts'
import { errorName, offsetForLeaderEpoch } from './protocol.ts'

/** A partition's stored epochs on their way back through the leader's history. */
export interface Walk {
  readonly stop: Stop
  /** Oldest first. */
  readonly epochs: readonly EpochStart[]
  /** The committed offset: how far the newest epoch was read. */
  readonly offset: number | undefined
  /** The leader's answers so far, newest epoch first. */
  readonly ends: EpochEnd[]
  /** Kafka's name of the error that ended the walk. */
  error?: string
}

/**
 * Asks one leader where the stored epochs end, newest first. Where its history agrees with what was read that is one
 * request; a partition where it diverges is asked for the next older epoch, as KIP-101 walks back, until the two agree.
 */
export async function walkBack(send: Send, walks: readonly Walk[]): Promise<void> {
  let pending = walks.filter(({ epochs }) => epochs.length > 0)
  while (pending.length > 0) {
    await Promise.all(layers(pending).map((layer) => askEpochs(send, layer)))
    pending = pending.filter(isDiverging)
  }
}

function nextEpoch({ epochs, ends }: Walk): EpochStart | undefined {
  return epochs.at(-1 - ends.length)
}

/** Whether the last answer leaves open how far the two histories agree, and an older epoch could tell. */
function isDiverging(walk: Walk): boolean {
  const { epochs, ends, error } = walk
  const last = ends.at(-1)
  if (error !== undefined || last === undefined || nextEpoch(walk) === undefined) return false
  const readUntil = ends.length === 1 ? walk.offset : epochs.at(1 - ends.length)?.startOffset
  return last.epoch !== last.asked || (readUntil !== undefined && last.endOffset < readUntil)
}

async function askEpochs(send: Send, walks: readonly Walk[]): Promise<void> {
  const byTopic = Map.groupBy(walks, ({ stop }) => stop.topic)
  const topics = Array.from(byTopic, ([name, group]) => ({
    name,
    partitions: group.map((walk) => ({
      partitionIndex: walk.stop.partition,
      currentLeaderEpoch: walk.stop.leaderEpoch,
      leaderEpoch: nextEpoch(walk)?.epoch ?? -1,
    })),
  }))
  // The replica ID -1 is a consumer's.
  const response = await send(offsetForLeaderEpoch, [-1, topics])
  const found = new Map(
    response.topics.flatMap(({ topic, partitions }) => partitions.map((answer) => [keyOf({ topic, partition: answer.partition }), answer])),
  )
  for (const walk of walks) {
    const answer = found.get(keyOf(walk.stop))
    const asked = nextEpoch(walk)?.epoch ?? -1
    if (answer === undefined) walk.error = 'NO_ANSWER'
    else if (answer.errorCode !== 0) walk.error = errorName(answer.errorCode)
    else walk.ends.push({ asked, epoch: answer.leaderEpoch, endOffset: Number(answer.endOffset) })
  }
}
