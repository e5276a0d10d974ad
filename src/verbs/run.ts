import { systemClock } from '../clock.ts'
import type { Clock } from '../clock.ts'
import { keyOf } from '../core/position.ts'
import type { OffsetRange } from '../core/position.ts'
import { TidemarkError } from '../errors.ts'
import { printRange } from '../job/batch.ts'
import type { Batch } from '../job/batch.ts'
import type { ReadOptions } from '../job/options.ts'
import type { Log } from '../kafka/log.ts'
import type { Store } from '../store/store.ts'
import { read } from './read.ts'

/** What a handler is given: the records, how many, and the ranges they cover. */
export type HandlerBatch = Pick<Batch, 'records' | 'ranges' | 'recordCount'>

/** Does the work. The offsets are saved after it resolved. */
export type Handler = (batch: HandlerBatch) => unknown

export interface RunOptions extends ReadOptions {
  readonly handler: Handler
  /** How often a batch whose handler threw is tried again. Default 3. */
  readonly retries?: number | undefined
  /** The pause before the first retry, ms; it doubles, up to 30,000. Default 500. */
  readonly retryPauseMs?: number | undefined
  /** A handler that has not returned by then fails, without a retry: it may still be at work. ms, default 300,000. */
  readonly handlerTimeoutMs?: number | undefined
}

/** What a run did. */
export interface RunSummary {
  readonly batches: number
  readonly records: number
  /** From the first to the last offset that was handled, by partition. */
  readonly ranges: readonly OffsetRange[]
}

/**
 * Runs a handler over a group's partitions, batch by batch, and saves the offsets after each one that succeeded.
 * Resolves when `signal` is aborted (the batch in hand is finished first) or at `untilEnd`.
 * @throws TidemarkError HANDLER_FAILED with the ranges, their offsets unmoved; and what {@link read} throws
 */
export async function run(log: Log, store: Store, options: RunOptions): Promise<RunSummary> {
  const ranges = new Map<string, OffsetRange>()
  let batches = 0
  let records = 0
  for await (const batch of read(log, store, options)) {
    await handle(batch, options)
    await batch.done()
    batches++
    records += batch.recordCount
    for (const range of batch.ranges)
      ranges.set(keyOf(range), { ...range, fromOffset: ranges.get(keyOf(range))?.fromOffset ?? range.fromOffset })
  }
  return { batches, records, ranges: [...ranges.values()] }
}

async function handle(batch: Batch, options: RunOptions): Promise<void> {
  const { retries = 3, retryPauseMs = 500, clock = systemClock, signal, onNotice } = options
  for (let attempt = 0; ; attempt++) {
    try {
      return await once(batch, options, clock)
    } catch (error) {
      const failed = error instanceof TidemarkError ? error : undefined
      if (failed?.code === 'RECORD_CORRUPT' || failed?.code === 'HANDLER_FAILED') throw failed
      if (attempt >= retries || signal?.aborted === true)
        throw handlerFailed(batch, options.group, `threw ${message(error)}`, attempt + 1, error)
      onNotice?.({
        kind: 'retrying',
        text: `the handler threw ${message(error)} at ${describe(batch)}; attempt ${attempt + 2} of ${retries + 1}`,
      })
    }
    await clock.sleep(Math.min(retryPauseMs * 2 ** attempt, 30_000), signal)
  }
}

/** One call of the handler, bounded in time. */
async function once(
  { records, ranges, recordCount }: Batch,
  { handler, handlerTimeoutMs = 300_000, group }: RunOptions,
  clock: Clock,
): Promise<void> {
  const over = new AbortController()
  const late = clock.sleep(handlerTimeoutMs, over.signal).then(() => {
    if (!over.signal.aborted) throw handlerFailed({ ranges }, group, `did not return within ${handlerTimeoutMs / 1000} s`, 1)
  })
  try {
    await Promise.race([Promise.resolve(handler({ records, ranges, recordCount })), late])
  } finally {
    over.abort()
  }
}

function handlerFailed(batch: Pick<Batch, 'ranges'>, group: string, what: string, attempts: number, cause?: unknown): TidemarkError {
  const [first] = batch.ranges
  return new TidemarkError(
    'HANDLER_FAILED',
    `the handler ${what} at ${describe(batch)}, ${attempts === 1 ? 'once' : `${attempts} times`}; the offsets are unmoved`,
    {
      group,
      topic: first?.topic,
      partition: first?.partition,
      hint: 'Mend the handler and start again: the same ranges are run again',
      cause,
    },
  )
}

function describe({ ranges }: Pick<Batch, 'ranges'>): string {
  const shown = ranges.slice(0, 8).map(printRange).join(', ')
  return ranges.length > 8 ? `${shown} and ${ranges.length - 8} more` : shown
}

function message(error: unknown): string {
  return JSON.stringify(error instanceof Error ? error.message : String(error))
}
