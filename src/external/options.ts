import type { OffsetRange, Position, TopicPartition } from '../core/position.ts'
import type { ReadOptions } from '../job/options.ts'
import type { ReconcileOptions } from '../verbs/reconcile.ts'

/** Whose work it is, and under which policy its offsets are kept. Without topics: those that the group has stored. */
export interface ExternalOptions extends ReconcileOptions, Pick<ReadOptions, 'isolation' | 'untilEnd' | 'onNotice'> {
  /**
   * Where the work's own record says that it stands (a query's checkpoint). These count instead of what the store holds, which is set
   * to them; a move back has a ledger row (`mirror`). The policy is not asked to move them: a verdict that is not valid is POLICY_FAIL.
   */
  readonly positions?: readonly Standing[] | undefined
}

/** Where a partition stands. */
export interface Standing extends TopicPartition {
  readonly position: Position
}

/** What is to be done next. It is stored, so that whoever comes after a crash does the same. */
export interface PlannedWork {
  /** One per partition, sorted; an empty one where there is nothing to do. Each begins where its partition stands. */
  readonly ranges: readonly OffsetRange[]
  /** Offsets in all ranges together: at least the records. 0: there is nothing to do, and nothing was stored. */
  readonly offsets: number
  /** Planned before, and not done. */
  readonly isReplay: boolean
  /** Offsets beyond the ranges, up to the log ends, that were left for later. */
  readonly left: number
}

/** Custody of work whose records do not go through Tidemark: it says where the work begins, and is told what was done. */
export interface External extends AsyncDisposable {
  /** Where each partition stands, sorted. Those whose topic is gone, and which the policy keeps, are not among them. */
  positions(): readonly Standing[]
  /**
   * What to do next: ranges that are stored from before exactly as they were, else about an equal share for each partition, `maxRecords`
   * in all at most, up to the log ends (with read_committed the last stable offsets). Looks at the log again first, and at new
   * partitions; waits where the cluster or the store are out of reach. Stored when it returns.
   * @throws TidemarkError POLICY_FAIL, LIMIT_EXCEEDED, FENCED, OFFSET_CHANGED; the signal's reason
   */
  plan(maxRecords: number): Promise<PlannedWork>
  /**
   * These ranges were worked on: saves the offsets behind them, each beginning where its partition stands; several of one partition one
   * behind the other. Where a plan is stored they stay within it, and what is left of it stays planned; elsewhere they end at the log
   * end at most. Empty ranges are none. Resolves when all is stored.
   * @throws TidemarkError RANGE_REFUSED for the first range that is none of these: nothing of the call is saved; FENCED, OFFSET_CHANGED
   * where another worker or program moved a partition: the others are saved; STORE_UNREACHABLE once `signal` is aborted
   */
  done(ranges: readonly OffsetRange[]): Promise<void>
  /** Leaves the group. What is planned stays planned. */
  close(): Promise<void>
}
