import type { PlanEntry } from '../core/plan.ts'
import type { OffsetRange } from '../core/position.ts'

/** Where a job begins, and where it reports. */
export interface Beginning {
  /** As JSON that Spark's Kafka source takes: `{"orders":{"0":23,"1":42}}`. */
  readonly startingOffsets: string
  /** The file or named pipe for what it has done; undefined: its checkpoint says it. */
  readonly done?: string | undefined
}

/** A kind of job that keeps its progress itself, and how guard keeps up with it. */
export interface Guarded extends AsyncDisposable {
  /**
   * Reconciles, repairs as the policy says, and takes custody. Called again before each new start.
   * @throws TidemarkError POLICY_FAIL, LIMIT_EXCEEDED and what else keeps the job from being started
   */
  begin(): Promise<Beginning>
  /**
   * Saves what the job has done, until it is over and all is saved. Waits where the store is away.
   * @throws TidemarkError RANGE_REFUSED, FENCED …: nobody may go on with this job
   */
  follow(over: AbortSignal): Promise<void>
  /** What of the job's offsets disagrees with the log now. Nothing is written. */
  disputes(): Promise<readonly PlanEntry[]>
  /** Whether a range that was refused says that the log is another one, so that reconciling helps. */
  readonly restartsWhenRefused: boolean
  /** What was done and saved, from the first to the last offset, by partition. */
  ranges(): readonly OffsetRange[]
}
