import { positionOf } from '../core/custody.ts'
import type { Finding } from '../core/plan.ts'
import type { TopicPartition } from '../core/position.ts'
import type { VerdictName } from '../core/verdict.ts'
import type { Log } from '../kafka/log.ts'
import type { Store } from '../store/store.ts'
import { examine } from './examine.ts'
import type { ExamineOptions } from './examine.ts'

/** What a check says of one partition. Plain data; null where there is nothing or it could not be had. */
export interface CheckRow extends TopicPartition {
  readonly group: string
  readonly committedOffset: number | null
  readonly logStartOffset: number | null
  readonly logEndOffset: number | null
  /** Records between the committed offset and the log end, at most. */
  readonly lag: number | null
  readonly verdict: VerdictName
  /** Why, and what could not be proven; sentences. */
  readonly evidence: readonly string[]
}

/** Compares what a group has stored with the log: one row per partition, sorted. Nothing is written. */
export async function check(log: Log, store: Pick<Store, 'load'>, options: ExamineOptions): Promise<CheckRow[]> {
  const findings = await examine(log, store, { lastStableOffset: true, ...options })
  return findings.map((finding) => rowOf(options.group, finding))
}

/** What is found of one partition, as a row. */
export function rowOf(group: string, { custody, facts, verdict }: Finding): CheckRow {
  return {
    group,
    topic: custody.topic,
    partition: custody.partition,
    committedOffset: positionOf(custody)?.offset ?? null,
    logStartOffset: facts.state === 'known' ? facts.logStartOffset : null,
    logEndOffset: facts.state === 'known' ? facts.logEndOffset : null,
    lag: verdict.lag ?? null,
    verdict: verdict.verdict,
    evidence: verdict.evidence,
  }
}
