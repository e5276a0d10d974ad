import type { Clock } from '../clock.ts'
import { TidemarkError } from '../errors.ts'
import { printRange } from './batch.ts'
import type { Batch, JobBatch } from './batch.ts'
import type { OnNotice } from './notice.ts'

/** What a handler is given: the records, how many, and the ranges they cover. */
export type HandlerBatch = Pick<Batch, 'records' | 'ranges' | 'recordCount'>

/** What a handler is given besides its batch. */
export interface HandlerContext {
  /** With the option `transaction`: the store's own transaction (SQLite: the DatabaseSync). */
  readonly transaction?: unknown
}

/**
 * Does the work. The offsets are saved after it resolved; with the option `transaction` in the store's own transaction, which it is
 * given (SQLite: the DatabaseSync), together with whatever it writes there.
 */
export type Handler = (batch: HandlerBatch, context: HandlerContext) => unknown

/** How a handler is called. */
export interface Handling {
  readonly group: string
  readonly handler: Handler
  /** Whether work and offsets are written in one transaction of the store. */
  readonly inTransaction: boolean
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
 * Calls the handler, again with growing pauses where it throws. Says whether its work counts: in a transaction it does not where
 * the partitions turn out not to be ours as they were.
 * @throws TidemarkError HANDLER_FAILED after the last attempt; HANDLER_TIMEOUT at once, since it may still be at work
 */
export async function handle(batch: JobBatch, handling: Handling): Promise<boolean> {
  const { inTransaction, retries, retryPauseMs, clock, signal, onNotice, random } = handling
  for (let attempt = 0; ; attempt++) {
    try {
      if (inTransaction) return await batch.doneIn((transaction) => callOnce(batch, handling, { transaction }))
      await callOnce(batch, handling, {})
      return true
    } catch (error) {
      if (!(error instanceof Thrown)) throw error
      if (attempt >= retries || signal.aborted)
        throw failed('HANDLER_FAILED', batch, handling.group, `threw ${reasonOf(error.cause)}`, attempt + 1, error.cause)
      onNotice({
        kind: 'retrying',
        text: `the handler threw ${reasonOf(error.cause)} at ${describe(batch)}; attempt ${attempt + 2} of ${retries + 1}`,
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
  context: HandlerContext,
): Promise<void> {
  const over = new AbortController()
  const late = clock.sleep(handlerTimeoutMs, over.signal).then(() => {
    if (!over.signal.aborted) throw failed('HANDLER_TIMEOUT', { ranges }, group, `did not return within ${handlerTimeoutMs / 1000} s`, 1)
  })
  try {
    await Promise.race([thrown(() => handler({ records, ranges, recordCount }, context)), late])
  } finally {
    over.abort('over') // without a reason it makes an error, with its stack, for every batch
  }
}

/** What the handler threw, told apart from what its transaction did. */
class Thrown extends Error {}

async function thrown(work: () => unknown): Promise<void> {
  try {
    await work()
  } catch (cause) {
    if (cause instanceof TidemarkError && cause.code === 'HANDLER_INVALID') throw cause // no other attempt, and no other record, would fare better
    throw new Thrown('the handler threw', { cause })
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
