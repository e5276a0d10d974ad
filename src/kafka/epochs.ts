import type { EpochEnd } from '../core/facts.ts'
import type { OffsetRange, TopicPartition } from '../core/position.ts'
import { getInt64 } from './bytes.ts'
import type { Cluster } from './cluster.ts'
import { epochsIn, olderEpoch } from './history.ts'
import { Failure, visitLeaders, type Send } from './leaders.ts'
import type { Stop } from './locate.ts'
import type { AskOptions, EpochsAnswer } from './log.ts'
import { errorName } from './protocol.ts'
import { distinct, type Roster } from './roster.ts'
import { A_CONSUMER, rowsApi, type RowsCall } from './rows.ts'

/** The call that says where a leader epoch ends (KIP-101, KIP-320). */
const OFFSET_FOR_LEADER_EPOCH = 23

/** So many partitions take a broker some tens of milliseconds: worth a connection of its own. */
const MANY = 1_000

/** A question on its way back through the history of one partition's leader. */
export interface Walk extends TopicPartition {
  /** The current leader's epoch. */
  readonly leaderEpoch: number
  /** The epoch to ask about after these answers; undefined: enough is known. */
  readonly next: (ends: readonly EpochEnd[]) => number | undefined
  /** The epoch that is being asked about. */
  asked?: number | undefined
  /** The leader's answers so far, newest epoch first. */
  readonly ends: EpochEnd[]
  /** What ended the walk. */
  failure?: Failure
}

/**
 * Which epochs ranges of distinct partitions lie in. A partition that never had another leader costs no request but the metadata's;
 * the others one for each epoch back to the range's beginning, all partitions of a broker together.
 * @throws TidemarkError as Cluster.metadata does: no broker at all could be asked; or the signal's reason
 */
export async function askRangeEpochs(cluster: Cluster, ranges: readonly OffsetRange[], options: AskOptions = {}): Promise<EpochsAnswer[]> {
  if (ranges.length === 0) return []
  const outcomes = await visitLeaders(cluster, ranges, askOneOfRanges, options)
  return outcomes.map((outcome, index): EpochsAnswer => {
    const { topic, partition } = ranges[index] as OffsetRange
    if (outcome.state === 'reached') return { state: 'known', topic, partition, topicId: outcome.stop.topicId, ...outcome.value }
    return { state: 'unknown', topic, partition, reason: outcome.state === 'absent' ? 'UNKNOWN_TOPIC_OR_PARTITION' : outcome.reason }
  })
}

async function askOneOfRanges(send: Send, stops: readonly Stop<OffsetRange>[]): Promise<(ReturnType<typeof epochsIn> | Failure)[]> {
  const walks = stops.map(({ topic, partition, leaderEpoch, item }): Walk => {
    return { topic, partition, leaderEpoch, next: (ends) => olderEpoch(leaderEpoch, item.fromOffset, ends), ends: [] }
  })
  await walkBack(send, walks)
  return walks.map(
    ({ failure, leaderEpoch, ends }, index) => failure ?? epochsIn((stops[index] as Stop<OffsetRange>).item, leaderEpoch, ends),
  )
}

/**
 * Asks one leader where epochs end, newest first. Of stored epochs that is one request where its history agrees with what was
 * read; a partition where it diverges is asked for the next older epoch, as KIP-101 walks back, until the two agree.
 */
export async function walkBack(send: Send, walks: readonly Walk[]): Promise<void> {
  let pending = walks
  for (;;) {
    pending = pending.filter(goesOn)
    if (pending.length === 0) return
    await Promise.all(distinct(pending).map((roster) => askEpochs(send, roster)))
  }
}

function goesOn(walk: Walk): boolean {
  walk.asked = walk.failure === undefined ? walk.next(walk.ends) : undefined
  return walk.asked !== undefined
}

async function askEpochs(send: Send, roster: Roster<Walk>): Promise<void> {
  const isAnswered = new Uint8Array(roster.items.length)
  const rows: RowsCall<Walk> = {
    key: OFFSET_FOR_LEADER_EPOCH,
    head: A_CONSUMER,
    roster,
    rowBytes: 12,
    answerBytes: 18,
    write: (to, at, { partition, leaderEpoch, asked = -1 }) => {
      to.setInt32(at, partition)
      to.setInt32(at + 4, leaderEpoch)
      to.setInt32(at + 8, asked)
    },
    partition: (from, at) => from.getInt32(at + 2),
    read: (from, at, index) => {
      const walk = roster.items[index] as Walk
      isAnswered[index] = 1
      const errorCode = from.getInt16(at)
      if (errorCode !== 0) walk.failure = new Failure(errorName(errorCode))
      else walk.ends.push({ asked: walk.asked ?? -1, epoch: from.getInt32(at + 6), endOffset: Number(getInt64(from, at + 10)) })
    },
  }
  await send({ name: 'OffsetForLeaderEpoch', versions: [rowsApi(rows, 4)] }, [], roster.items.length >= MANY)
  roster.items.forEach((walk, index) => {
    if (isAnswered[index] === 0) walk.failure = new Failure('NO_ANSWER')
  })
}
