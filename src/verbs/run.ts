import { keyOf } from '../core/position.ts'
import type { OffsetRange } from '../core/position.ts'
import { TidemarkError } from '../errors.ts'
import type { JobBatch } from '../job/batch.ts'
import { batches } from '../job/batches.ts'
import { handle, reasonOf } from '../job/handling.ts'
import type { Handler, Handling } from '../job/handling.ts'
import { withDefaults } from '../job/options.ts'
import type { JobOptions, ReadOptions } from '../job/options.ts'
import type { Log } from '../kafka/log.ts'
import type { Store } from '../store/store.ts'

export interface RunOptions extends ReadOptions {
  readonly handler: Handler
  /**
   * Exactly once: the handler is given the store's own transaction, in which the offsets are written too; what it writes there and
   * the offsets count together or not at all. Only with a store that can (SQLite); the handler's time holds all other writers up.
   */
  readonly transaction?: boolean | undefined
  /** How often a batch whose handler threw is tried again. Default 3. */
  readonly retries?: number | undefined
  /** The pause before the first retry, ms; it doubles, up to 30,000. Default 500. */
  readonly retryPauseMs?: number | undefined
  /** A handler that has not returned by then fails, without a retry: it may still be at work. ms, default 300,000. */
  readonly handlerTimeoutMs?: number | undefined
  /**
   * Whether, in a backlog, batches take turns over the partitions, so that one is worked on while the other is saved. Default true;
   * false for a handler that works on the partitions of a batch side by side. Never with `transaction`.
   */
  readonly overlap?: boolean | undefined
  /** From 0 to 1: spreads the retries of workers that failed at the same moment. Default: Math.random. */
  readonly random?: (() => number) | undefined
}

/** More records than this given up one after the other, and it is the handler that is broken, not the records: the job stops. */
const MAX_IN_A_ROW = 100

/** What a run did. */
export interface RunSummary {
  readonly batches: number
  /** Records that were handled. */
  readonly records: number
  /** Records that were given up: skipped, or written to the dead-letter topic. */
  readonly givenUp: number
  /** From the first to the last offset that was passed, by partition. */
  readonly ranges: readonly OffsetRange[]
}

/**
 * Runs a handler over a group's partitions, batch by batch, and saves the offsets after each one that succeeded.
 * Resolves when `signal` is aborted (the batch in hand is finished first) or at `untilEnd`.
 * @throws TidemarkError HANDLER_FAILED and HANDLER_TIMEOUT with the ranges, their offsets unmoved; and what `read` throws
 */
export async function run(log: Log, store: Store, options: RunOptions): Promise<RunSummary> {
  const overlap = (options.overlap ?? true) && options.transaction !== true
  const job = { ...withDefaults(options), overlap, failures: { inARow: 0 } }
  const handling = handlingOf(options, job)
  const ranges = new Map<string, OffsetRange>()
  let count = 0
  let records = 0
  let givenUp = 0
  for await (const batch of batches(log, store, job)) {
    const part = await handleOrGiveUp(batch, handling, job)
    count++
    records += part.handled
    givenUp += part.givenUp
    for (const range of batch.ranges)
      ranges.set(keyOf(range), { ...range, fromOffset: ranges.get(keyOf(range))?.fromOffset ?? range.fromOffset })
  }
  return { batches: count, records, givenUp, ranges: [...ranges.values()] }
}

/**
 * Handles a batch and saves its offsets. Where its handler fails at every attempt and failures are not to stop the job, the batch
 * is divided until the records that fail are alone: only those are given up.
 */
async function handleOrGiveUp(batch: JobBatch, handling: Handling, job: RunningJob): Promise<Counts> {
  try {
    if (!(await handle(batch, handling))) return { handled: 0, givenUp: 0 }
  } catch (error) {
    batch.failed(error)
    if (job.onFailure === 'stop' || !(error instanceof TidemarkError && error.code === 'HANDLER_FAILED') || job.signal.aborted) throw error
    return giveUpTheFailing(batch, error, handling, job)
  }
  await batch.doneMeanwhile()
  job.failures.inARow = 0
  return { handled: batch.recordCount, givenUp: 0 }
}

async function giveUpTheFailing(batch: JobBatch, error: TidemarkError, handling: Handling, job: RunningJob): Promise<Counts> {
  const parts = batch.divide()
  if (parts.length === 0 && job.failures.inARow >= MAX_IN_A_ROW) throw error
  let handled = 0
  let givenUp = 0
  for (const part of parts) {
    const counts = await handleOrGiveUp(part, { ...handling, retries: 0 }, job)
    handled += counts.handled
    givenUp += counts.givenUp
  }
  if (parts.length > 0) return { handled, givenUp }
  job.failures.inARow++
  await batch.giveUp(`the handler threw ${reasonOf(error.cause)}`)
  return { handled: 0, givenUp: batch.recordCount }
}

/** A job and the records that were given up since the last one that was handled. */
type RunningJob = JobOptions & { readonly failures: { inARow: number } }

/** Records. */
interface Counts {
  readonly handled: number
  readonly givenUp: number
}

function handlingOf(
  { handler, transaction = false, retries = 3, retryPauseMs = 500, handlerTimeoutMs = 300_000, random = Math.random }: RunOptions,
  { group, clock, signal, onNotice }: JobOptions,
): Handling {
  return {
    group,
    handler,
    inTransaction: transaction,
    retries,
    retryPauseMs,
    handlerTimeoutMs,
    clock,
    random,
    signal,
    onNotice,
  }
}
