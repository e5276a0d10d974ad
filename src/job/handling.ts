import type { Clock } from '../clock.ts'
import { TidemarkError } from '../errors.ts'
import { printRange } from './batch.ts'
import type { Batch } from './batch.ts'
import type { OnNotice } from './notice.ts'

/** What a handler is given: the records, how many, and the ranges they cover. */
export type HandlerBatch = Pick<Batch, 'records' | 'ranges' | 'recordCount'>

/** Does the work. The offsets are saved after it resolved. */
export type Handler = (batch: HandlerBatch) => unknown

/** How a handler is called. */
export interface Handling {
  readonly group: string
  readonly handler: Handler
  readonly retries: number
  readonly retryPauseMs: number
  readonly handlerTimeoutMs: number
  readonly clock: Clock
  /** From 0 to 1: spreads the pauses of workers that failed at the same moment. */
  readonly random: () => number
  readonly signal: AbortSignal
  readonly onNotice: OnNotice
}

const MAX_PAUSE_MS = 30_000

/**
 * Calls the handler, again with growing pauses where it throws.
 * @throws TidemarkError HANDLER_FAILED after the last attempt; HANDLER_TIMEOUT at once, since it may still be at work; RECORD_CORRUPT
 */
export async function handle(batch: HandlerBatch, handling: Handling): Promise<void> {
  const { retries, retryPauseMs, clock, signal, onNotice, random } = handling
  for (let attempt = 0; ; attempt++) {
    try {
      return await callOnce(batch, handling)
    } catch (error) {
      if (error instanceof TidemarkError && (error.code === 'RECORD_CORRUPT' || error.code === 'HANDLER_TIMEOUT')) throw error
      if (attempt >= retries || signal.aborted)
        throw failed('HANDLER_FAILED', batch, handling.group, `threw ${reasonOf(error)}`, attempt + 1, error)
      onNotice({
        kind: 'retrying',
        text: `the handler threw ${reasonOf(error)} at ${describe(batch)}; attempt ${attempt + 2} of ${retries + 1}`,
      })
    }
    await clock.sleep(Math.min(retryPauseMs * 2 ** attempt, MAX_PAUSE_MS) * (0.5 + random() / 2), signal)
  }
}

/** What a handler threw, in one line. */
export function reasonOf(error: unknown): string {
  return JSON.stringify(error instanceof Error ? error.message : String(error))
}

async function callOnce(
  { records, ranges, recordCount }: HandlerBatch,
  { handler, handlerTimeoutMs, group, clock }: Handling,
): Promise<void> {
  const over = new AbortController()
  const late = clock.sleep(handlerTimeoutMs, over.signal).then(() => {
    if (!over.signal.aborted) throw failed('HANDLER_TIMEOUT', { ranges }, group, `did not return within ${handlerTimeoutMs / 1000} s`, 1)
  })
  try {
    await Promise.race([Promise.resolve(handler({ records, ranges, recordCount })), late])
  } finally {
    over.abort()
  }
}

function failed(
  code: 'HANDLER_FAILED' | 'HANDLER_TIMEOUT',
  batch: Pick<Batch, 'ranges'>,
  group: string,
  what: string,
  attempts: number,
  cause?: unknown,
): TidemarkError {
  const [first] = batch.ranges
  return new TidemarkError(
    code,
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
