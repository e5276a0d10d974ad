import type { TopicPartition } from '../core/position.ts'
import type { Job } from './job.ts'
import type { JobOptions } from './options.ts'

/** How far a job is with one of its partitions. */
export interface PartitionProgress extends TopicPartition {
  readonly committedOffset: number
  /** As the last fetch told it; undefined: none did yet. */
  readonly logEndOffset: number | undefined
}

/** Told how far a job is: all its partitions, some times a second. */
export type OnProgress = (partitions: readonly PartitionProgress[]) => void

/** How often progress is told, ms: also while a handler is at work, when only the log ends move. */
const TOLD_EVERY_MS = 250

/** Tells how far a job is until `over` is aborted. */
export async function tellProgress(job: Job, { onProgress, clock }: JobOptions, over: AbortSignal): Promise<void> {
  if (onProgress === undefined) return
  while (!over.aborted) {
    onProgress(job.progress)
    await clock.sleep(TOLD_EVERY_MS, over)
  }
  onProgress(job.progress)
}
