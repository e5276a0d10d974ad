import type { LedgerRow } from '../core/ledger.ts'
import { asTidemarkError } from '../errors.ts'
import type { KafkaRecord, Log, OutgoingRecord } from '../kafka/log.ts'
import type { Holding } from './holding.ts'

/** What becomes of records that can't be read, or whose handler fails at every attempt: the job stops; they are skipped, with a ledger row; or they are first written to a dead-letter topic. */
export type OnFailure = 'stop' | 'skip' | { readonly deadLetter: string }

/** Records that are given up. */
export interface GivenUp {
  readonly records: Iterable<Pick<KafkaRecord, 'offset' | 'timestamp' | 'key' | 'value' | 'headers'>>
  readonly recordCount: number
  readonly untilOffset: number
  readonly reason: string
}

/** The account of records that were given up. */
export function giveUpRow(
  group: string,
  holding: Holding,
  { untilOffset, recordCount, reason }: GivenUp,
  onFailure: OnFailure,
  at: number,
  actor: string,
): LedgerRow {
  return {
    at,
    group,
    topic: holding.topic,
    partition: holding.partition,
    verdict: 'valid',
    action: typeof onFailure === 'string' ? onFailure : 'dead-letter',
    from: holding.position.offset,
    to: untilOffset,
    skipped: recordCount,
    reread: 0,
    actor,
    evidence: [reason],
  }
}

/** Writes records to a dead-letter topic, as they were, with headers that say where they came from and why. */
export async function deadLetter(log: Log, topic: string, group: string, holding: Holding, { records, reason }: GivenUp): Promise<void> {
  const letters = [...records].map(({ offset, timestamp, key, value, headers }): OutgoingRecord => ({
    partition: holding.partition,
    key,
    value,
    headers: [
      ...headers,
      ['tidemark.topic', Buffer.from(holding.topic)],
      ['tidemark.partition', Buffer.from(String(holding.partition))],
      ['tidemark.offset', Buffer.from(String(offset))],
      ['tidemark.timestamp', Buffer.from(String(timestamp))],
      ['tidemark.group', Buffer.from(group)],
      ['tidemark.reason', Buffer.from(reason)],
    ],
  }))
  try {
    await log.produce(topic, letters)
  } catch (error) {
    throw asTidemarkError(error, 'INTERNAL', { group })
  }
}
