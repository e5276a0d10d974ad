import type { TopicPartition } from './position.ts'

/** One move that was not ordinary progress. Counts are in records and mean "at most": compacted and transactional logs have gaps. */
export interface LedgerRow extends TopicPartition {
  /** When, ms since 1970. */
  readonly at: number
  readonly group: string
  /** The verdict that led to it. */
  readonly verdict: string
  /** The action that was taken: a policy's action, or a reset's (`to-earliest`, `to-offset`, `shift-by` …). */
  readonly action: string
  /** The offset before; null where there was none. */
  readonly from: number | null
  readonly to: number
  /** Records that will not be read because of it, at most; null where nobody can know (a recreated topic). */
  readonly skipped: number | null
  /** Records that will be read a second time because of it, at most. */
  readonly reread: number
  /** Who did it. */
  readonly actor: string
  /** Why: the evidence at that time. */
  readonly evidence: readonly string[]
}
