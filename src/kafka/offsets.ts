import { toOffset } from '../core/position.ts'
import { Failure, type Send } from './leaders.ts'
import type { Stop } from './locate.ts'
import type { Isolation } from './log.ts'
import { errorName, listOffsets } from './protocol.ts'
import type { Roster } from './roster.ts'

/** The special times of ListOffsets. */
export const EARLIEST = -2n
export const LATEST = -1n

/** What may be sent to a leader about one of its partitions. */
type Place = Pick<Stop, 'topic' | 'partition' | 'leaderEpoch'>

const NO_ANSWER = new Failure('NO_ANSWER')

/**
 * Asks one leader for offsets by time (ms since 1970, or a special one), in one request. One answer per item, in order;
 * null: no record is that new. Latest is the high watermark, or with read_committed the last stable offset.
 */
export async function askOffsets<Item extends Place>(
  send: Send,
  roster: Roster<Item>,
  timeOf: (item: Item) => bigint,
  isolation: Isolation = 'read_uncommitted',
): Promise<(number | null | Failure)[]> {
  const topics = roster.topics((item) => ({
    partitionIndex: item.partition,
    currentLeaderEpoch: item.leaderEpoch,
    timestamp: timeOf(item),
  }))
  // The replica ID -1 is a consumer's.
  const response = await send(listOffsets, [-1, isolation === 'read_committed' ? 1 : 0, topics])
  const answers: (number | null | Failure)[] = roster.items.map(() => NO_ANSWER)
  for (const { name, partitions } of response.topics) {
    for (const { partitionIndex, errorCode, offset } of partitions)
      answers[roster.indexOf(name, partitionIndex)] = readOffset(errorCode, offset)
  }
  return answers
}

function readOffset(errorCode: number, offset: bigint): number | null | Failure {
  if (errorCode !== 0) return new Failure(errorName(errorCode))
  if (offset === -1n) return null
  try {
    return toOffset(offset)
  } catch {
    return new Failure('INVALID_OFFSET', `the broker answered with ${offset}, which is no offset that can be worked with`)
  }
}
