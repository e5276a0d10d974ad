import { keyOf, toOffset } from '../core/position.ts'
import { layers } from './layers.ts'
import type { Answer, Send } from './leaders.ts'
import type { Stop } from './locate.ts'
import type { Isolation } from './log.ts'
import { errorName, listOffsets } from './protocol.ts'

/** The special times of ListOffsets. */
export const EARLIEST = -2n
export const LATEST = -1n

/** A partition and the time whose offset is asked for there: ms since 1970, or a special time. */
export interface TimedStop {
  readonly stop: Stop
  readonly time: bigint
}

/**
 * Asks one leader for offsets by time, in one request unless a partition is asked for twice. One answer per item, in order;
 * null: no record is that new. Latest is the high watermark, or with read_committed the last stable offset.
 */
export async function askOffsets<Item extends TimedStop>(
  send: Send,
  items: readonly Item[],
  isolation: Isolation = 'read_uncommitted',
): Promise<Map<Item, Answer<number | null>>> {
  const answers = await Promise.all(layers(items).map((layer) => askLayer(send, layer, isolation)))
  return new Map(answers.flat())
}

async function askLayer<Item extends TimedStop>(send: Send, items: readonly Item[], isolation: Isolation): Promise<[Item, Answer<number | null>][]> {
  const topics = Array.from(
    Map.groupBy(items, ({ stop }) => stop.topic),
    ([name, group]) => ({
      name,
      partitions: group.map(({ stop, time }) => ({ partitionIndex: stop.partition, currentLeaderEpoch: stop.leaderEpoch, timestamp: time })),
    }),
  )
  // The replica ID -1 is a consumer's.
  const response = await send(listOffsets, [-1, isolation === 'read_committed' ? 1 : 0, topics])
  const found = new Map<string, Answer<number | null>>()
  for (const { name, partitions } of response.topics) {
    for (const { partitionIndex, errorCode, offset } of partitions) found.set(keyOf({ topic: name, partition: partitionIndex }), readOffset(errorCode, offset))
  }
  return items.map((item) => [item, found.get(keyOf(item.stop)) ?? { error: 'NO_ANSWER' }])
}

function readOffset(errorCode: number, offset: bigint): Answer<number | null> {
  if (errorCode !== 0) return { error: errorName(errorCode) }
  if (offset === -1n) return { value: null }
  try {
    return { value: toOffset(offset) }
  } catch {
    return { error: 'INVALID_OFFSET', detail: `the broker answered with ${offset}, which is no offset that can be worked with` }
  }
}
