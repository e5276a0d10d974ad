import { TidemarkError } from '../errors.ts'
import { readBatches, type RecordBatch } from './batch.ts'
import { BufferedBatch } from './buffered.ts'
import type { Cluster } from './cluster.ts'
import { fetchWith, type FetchedPartition } from './fetch.ts'
import { Failure, visitLeaders, type Send } from './leaders.ts'
import type { Stop } from './locate.ts'
import type { AskOptions, BatchAnswer, BatchQuestion, KafkaRecord, LogBatch, RecordSummary } from './log.ts'
import { freedEarly, Memory, type Piece } from './memory.ts'
import { errorName } from './protocol.ts'
import { distinct } from './roster.ts'
import { SliceBuilder } from './slice.ts'

/** How much of a partition is fetched, and of how many partitions at once, so that memory is bounded whatever is asked. */
const PARTITION_BYTES = 256 * 1024
const PARTITIONS_AT_ONCE = 16
/** What is kept of a key. */
const KEY_BYTES = 64

const memory = new Memory(0)
const fetchCall = fetchWith((bytes) => memory.piece(bytes, 0))

interface Found {
  readonly batch: LogBatch | null
}

/**
 * Looks into the log: the batch that holds an offset, or the first one above it, for any number of partitions. A partition that is asked
 * about twice takes a second round. One answer per question, in order.
 * @throws TidemarkError as Cluster.metadata does: no broker at all could be asked; or the signal's reason
 */
export async function askBatches(cluster: Cluster, questions: readonly BatchQuestion[], options: AskOptions = {}): Promise<BatchAnswer[]> {
  const found = new Map<BatchQuestion, BatchAnswer>()
  for (const { items } of distinct(questions)) {
    const outcomes = await visitLeaders(cluster, items, askOne, options)
    for (const [index, question] of items.entries()) {
      const { topic, partition } = question
      const outcome = outcomes[index] as (typeof outcomes)[number]
      if (outcome.state === 'reached')
        found.set(question, { state: 'known', topic, partition, topicId: outcome.stop.topicId, batch: outcome.value.batch })
      else if (outcome.state === 'unknown') found.set(question, outcome)
      else found.set(question, { state: 'unknown', topic, partition, reason: 'UNKNOWN_TOPIC_OR_PARTITION', detail: 'it does not exist' })
    }
  }
  return questions.map((question) => found.get(question) as BatchAnswer)
}

async function askOne(send: Send, stops: readonly Stop<BatchQuestion>[]): Promise<(Found | Failure)[]> {
  const answers: (Found | Failure)[] = []
  for (let from = 0; from < stops.length; from += PARTITIONS_AT_ONCE) {
    const some = stops.slice(from, from + PARTITIONS_AT_ONCE)
    const fetched = await fetch(send, some)
    for (const [index, stop] of some.entries()) {
      const answer = readFirst(stop, fetched[index])
      // Of several partitions a broker may cut a large batch, or leave one out; the only one's first batch comes whole.
      answers.push(answer ?? readFirst(stop, (await fetch(send, [stop]))[0]) ?? { batch: null })
    }
  }
  return answers
}

async function fetch(send: Send, stops: readonly Stop<BatchQuestion>[]): Promise<(FetchedPartition | undefined)[]> {
  const partitions = stops.map(({ topicId, partition, leaderEpoch, item: { offset } }) => {
    return { topicId, partition, leaderEpoch, offset, lastFetchedEpoch: -1, maxBytes: PARTITION_BYTES }
  })
  const maxBytes = PARTITION_BYTES * stops.length
  const response = await send(fetchCall, [{ isolation: 'read_uncommitted', maxWaitMs: 0, maxBytes, partitions }])
  if (response.errorCode !== 0) throw new TidemarkError('KAFKA_FAILED', `the broker answered ${errorName(response.errorCode)}`)
  return stops.map(({ topicId, partition }) => response.partitions.find((one) => one.topicId === topicId && one.partition === partition))
}

/** The first batch that came whole; undefined: none did. */
function readFirst(stop: Stop<BatchQuestion>, fetched: FetchedPartition | undefined): Found | Failure | undefined {
  if (fetched === undefined) return new Failure('NO_ANSWER')
  if (fetched.errorCode !== 0) return new Failure(errorName(fetched.errorCode))
  if (fetched.records === undefined) return undefined
  const { batches, damaged } = readBatches(fetched.records.bytes)
  const first = batches.find(({ lastOffset }) => lastOffset >= stop.item.offset)
  if (first !== undefined) return summary(stop, first, fetched.records)
  return damaged === undefined ? undefined : new Failure('RECORD_CORRUPT', damaged.error.what)
}

function summary(stop: Stop<BatchQuestion>, batch: RecordBatch, piece: Piece): Found | Failure {
  const { baseOffset, lastOffset, maxTimestamp, logAppendTime, control } = batch
  const timestampType = logAppendTime ? 'LogAppendTime' : 'CreateTime'
  try {
    const records = [...recordsOf(stop, batch, piece)].map(summaryOf)
    return { batch: { baseOffset, lastOffset, maxTimestamp, timestampType, isControl: control, records } }
  } catch (error) {
    if (error instanceof TidemarkError) return new Failure(error.code, error.what)
    throw error
  }
}

function recordsOf(stop: Stop<BatchQuestion>, batch: RecordBatch, piece: Piece): Iterable<KafkaRecord> {
  const builder = new SliceBuilder(stop, batch.baseOffset)
  builder.add(new BufferedBatch(batch, batch.control, piece, freedEarly), Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY)
  return builder.build().records
}

function summaryOf({ offset, timestamp, key, value }: KafkaRecord): RecordSummary {
  const bytes = (key?.length ?? 0) + (value?.length ?? 0)
  return { offset, timestamp, key: key === null ? null : Buffer.from(key.subarray(0, KEY_BYTES)), bytes }
}
