import type { TimedRecord } from '../core/oldest.ts'
import { toOffset } from '../core/position.ts'
import { getInt64, setInt64 } from './bytes.ts'
import { Failure, type Send } from './leaders.ts'
import type { Stop } from './locate.ts'
import type { Isolation } from './log.ts'
import { errorName } from './protocol.ts'
import type { Call } from './protocol.ts'
import type { Roster } from './roster.ts'
import { A_CONSUMER, rowsApi } from './rows.ts'
import type { RowsCall } from './rows.ts'

const LIST_OFFSETS = 2

/** The special times of ListOffsets. */
export const EARLIEST = -2
export const LATEST = -1
/** Of a tiered topic the start of what is on the leader's own disk (KIP-405). Needs version 8. */
export const EARLIEST_LOCAL = -4

/** What may be sent to a leader about one of its partitions. */
type Place = Pick<Stop, 'topic' | 'partition' | 'leaderEpoch'>

const NO_ANSWER = new Failure('NO_ANSWER')

/**
 * Asks one leader for offsets by time (ms since 1970, or a special one), in one request. One answer per item, in order;
 * null: no record is that new. Latest is the high watermark, or with read_committed the last stable offset.
 */
export function askOffsets<Item extends Place>(
  send: Send,
  roster: Roster<Item>,
  timeOf: (item: Item) => number,
  isolation: Isolation = 'read_uncommitted',
): Promise<(number | null | Failure)[]> {
  return askEach(send, roster, timeOf, isolation, readOffset)
}

/** The same for the records that are found, with their times, ms since 1970. */
export function askTimedRecords<Item extends Place>(
  send: Send,
  roster: Roster<Item>,
  timeOf: (item: Item) => number,
): Promise<(TimedRecord | null | Failure)[]> {
  return askEach(send, roster, timeOf, 'read_uncommitted', (errorCode, found, timestamp) => {
    const offset = readOffset(errorCode, found)
    return typeof offset === 'number' ? { offset, recordTime: Number(timestamp) } : offset
  })
}

async function askEach<Item extends Place, Answer>(
  send: Send,
  roster: Roster<Item>,
  timeOf: (item: Item) => number,
  isolation: Isolation,
  read: (errorCode: number, offset: number | bigint, timestamp: number | bigint) => Answer | Failure,
): Promise<(Answer | Failure)[]> {
  const answers: (Answer | Failure)[] = roster.items.map(() => NO_ANSWER)
  const call = listOffsets(roster, timeOf, isolation, (index, errorCode, offset, timestamp) => {
    answers[index] = read(errorCode, offset, timestamp)
  })
  await send(call, [])
  return answers
}

/** What a leader says of one of the items, by its index. */
type Read = (index: number, errorCode: number, offset: number | bigint, timestamp: number | bigint) => void

/** Offsets by time. From version 5 on, a leader that does not know its high watermark yet says so: OFFSET_NOT_AVAILABLE (KIP-207). */
export function listOffsets<Item extends Place>(
  roster: Roster<Item>,
  timeOf: (item: Item) => number,
  isolation: Isolation,
  read: Read,
): Call<[], void> {
  const rows: RowsCall<Item> = {
    key: LIST_OFFSETS,
    head: Buffer.from([...A_CONSUMER, isolation === 'read_committed' ? 1 : 0]),
    roster,
    rowBytes: 16,
    answerBytes: 26,
    write: (to, at, item) => {
      to.setInt32(at, item.partition)
      to.setInt32(at + 4, item.leaderEpoch)
      setInt64(to, at + 8, timeOf(item))
    },
    partition: (from, at) => from.getInt32(at),
    read: (from, at, index) => read(index, from.getInt16(at + 4), getInt64(from, at + 14), getInt64(from, at + 6)),
  }
  return { name: 'ListOffsets', versions: [rowsApi(rows, 9), rowsApi(rows, 8), rowsApi(rows, 7)] }
}

function readOffset(errorCode: number, offset: number | bigint): number | null | Failure {
  if (errorCode !== 0) return new Failure(errorName(errorCode))
  if (offset === -1) return null
  try {
    return toOffset(offset)
  } catch {
    return new Failure('INVALID_OFFSET', `the broker answered with ${offset}, which is no offset that can be worked with`)
  }
}
