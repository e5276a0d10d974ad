import type { Isolation } from '../kafka/log.ts'
import type { OnFailure } from '../job/give-up.ts'
import { run } from '../verbs/run.ts'
import type { RunOptions as JobOptions, RunSummary } from '../verbs/run.ts'
import { EXIT } from './failure.ts'
import type { CommonOptions } from './options.ts'
import { tableOfRanges } from './ranges.ts'
import { policyOf } from './repair.ts'
import type { ReconcileChoices } from './repair.ts'
import type { Report } from './report.ts'
import { showProgress } from './run-progress.ts'
import { say, sayNotice } from './say.ts'
import { stopSignal } from './stop-signal.ts'
import { groupOf, withLogAndStore } from './session.ts'
import { workOf } from './work.ts'

export interface RunOptions extends CommonOptions, ReconcileChoices {
  readonly handler?: string | undefined
  readonly exec?: string | undefined
  readonly processes?: number | undefined
  readonly maxRecords?: number | undefined
  readonly maxBytes?: number | undefined
  readonly maxWait?: number | undefined
  readonly isolation: Isolation
  readonly retries?: number | undefined
  readonly handlerTimeout?: number | undefined
  readonly onFailure?: OnFailure | undefined
  readonly maxRecordsPerSecond?: number | undefined
  readonly untilEnd?: boolean | undefined
}

/** A line stays readable with so many ranges. */
const RANGES_SHOWN = 8

/** `tidemark run` */
export async function runAction(options: RunOptions): Promise<Report> {
  const group = groupOf(options)
  const policy = policyOf(options)
  await using work = await workOf(options)
  const signal = stopSignal(sayStopping)
  using progress = showProgress(say)
  const summary = await withLogAndStore(options, 'write', (log, store) => {
    const { handler, handlerTimeoutMs, overlap } = work
    const { onProgress } = progress
    return run(log, store, {
      ...jobOptions(options),
      group,
      policy,
      handler,
      handlerTimeoutMs,
      overlap,
      signal,
      onNotice: sayNotice,
      onProgress,
    })
  })
  return reportOf(group, summary)
}

function jobOptions(options: RunOptions): Partial<JobOptions> {
  const { maxRecords, maxBytes, isolation, retries, onFailure, maxRecordsPerSecond, untilEnd } = options
  const renamed = { topics: options.topic, maxWaitMs: options.maxWait, clockSkewMs: options.clockSkew }
  return { ...renamed, maxRecords, maxBytes, isolation, retries, onFailure, maxRecordsPerSecond, untilEnd }
}

function sayStopping(name: string): void {
  say(`${name}: finishing the batch in hand; once more to stop at once`)
}

function reportOf(group: string, { batches, records, givenUp, ranges }: RunSummary): Report {
  const handled = `${records} records handled in ${batches} batches${givenUp === 0 ? '' : `, ${givenUp} given up`}`
  const where = ranges
    .slice(0, RANGES_SHOWN)
    .map(({ topic, partition, fromOffset, untilOffset }) => `${topic}-${partition} ${fromOffset} to ${untilOffset}`)
  const more = ranges.length > RANGES_SHOWN ? [`and ${ranges.length - RANGES_SHOWN} partitions more`] : []
  return {
    document: { group, records, givenUp, batches, ranges },
    table: tableOfRanges(group, ranges),
    text: () => `${[handled, ...where, ...more].join(', ')}\n`,
    exitCode: EXIT.ok,
  }
}
