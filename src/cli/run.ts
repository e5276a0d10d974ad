import type { Isolation } from '../kafka/log.ts'
import type { OnFailure } from '../job/give-up.ts'
import { check } from '../verbs/check.ts'
import { run } from '../verbs/run.ts'
import type { RunOptions as JobOptions, RunSummary } from '../verbs/run.ts'
import { printDateTime } from './datetimes.ts'
import { EXIT, withoutSecrets } from './failure.ts'
import type { CommonOptions } from './options.ts'
import { policyOf } from './repair.ts'
import { clearProgressLine, withProgress } from './progress.ts'
import type { RepairOptions } from './repair.ts'
import type { Report } from './report.ts'
import { groupOf, withLogAndStore } from './session.ts'
import { plain } from './table.ts'
import { Way } from './way.ts'
import { workOf } from './work.ts'

export interface RunOptions extends CommonOptions, Pick<RepairOptions, 'policy' | 'maxSkip' | 'maxReread' | 'topic'> {
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

/** How often a log hears how far a run is. */
const SAID_EVERY_MS = 60_000
/** A line stays readable with so many ranges. */
const RANGES_SHOWN = 8

/** `tidemark run` */
export async function runAction(options: RunOptions): Promise<Report> {
  const group = groupOf(options)
  const policy = policyOf(options)
  await using work = await workOf(options)
  const way = new Way(work.handler)
  const signal = stopSignal()
  setInterval(() => sayHowFar(way), SAID_EVERY_MS).unref()
  const summary = await withLogAndStore(options, 'write', (log, store) => {
    if (options.untilEnd === true && process.stderr.isTTY)
      void way.measure(() => check(log, store, { group, topics: options.topic, secondLookMs: 0 }))
    const { handlerTimeoutMs } = work
    const running = () =>
      run(log, store, {
        ...jobOptions(options),
        group,
        policy,
        handler: way.handler,
        handlerTimeoutMs,
        signal,
        onNotice: ({ text }) => say(text),
      })
    return withProgress('running', 'offsets', () => way, running)
  })
  return reportOf(group, summary)
}

function jobOptions(options: RunOptions): Partial<JobOptions> {
  const { maxRecords, maxBytes, isolation, retries, onFailure, maxRecordsPerSecond, untilEnd } = options
  const renamed = { topics: options.topic, maxWaitMs: options.maxWait }
  return { ...renamed, maxRecords, maxBytes, isolation, retries, onFailure, maxRecordsPerSecond, untilEnd }
}

/** For logs; on a terminal a bar or the handler's own output says so. */
function sayHowFar({ records }: Way): void {
  if (!process.stderr.isTTY) say(`${records} records handled so far`)
}

/** The first SIGINT or SIGTERM lets the batch in hand finish; a second one ends the process at once. */
function stopSignal(): AbortSignal {
  const stop = new AbortController()
  for (const [name, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.on(name, () => {
      if (stop.signal.aborted) process.exit(code)
      say(`${name}: finishing the batch in hand; once more to stop at once`)
      stop.abort()
    })
  }
  return stop.signal
}

function say(text: string): void {
  clearProgressLine()
  process.stderr.write(`${printDateTime(Date.now())} ${withoutSecrets(plain(text))}\n`)
}

function reportOf(group: string, { batches, records, givenUp, ranges }: RunSummary): Report {
  const handled = `${records} records handled in ${batches} batches${givenUp === 0 ? '' : `, ${givenUp} given up`}`
  const where = ranges
    .slice(0, RANGES_SHOWN)
    .map(({ topic, partition, fromOffset, untilOffset }) => `${topic}-${partition} ${fromOffset} to ${untilOffset}`)
  const more = ranges.length > RANGES_SHOWN ? [`and ${ranges.length - RANGES_SHOWN} partitions more`] : []
  return {
    document: { group, records, givenUp, batches, ranges },
    table: {
      columns: ['GROUP', 'TOPIC', 'PARTITION', 'FROM-OFFSET', 'UNTIL-OFFSET'].map((name) => ({ name })),
      rows: ranges.map(({ topic, partition, fromOffset, untilOffset }) => ({ cells: [group, topic, partition, fromOffset, untilOffset] })),
    },
    text: () => `${[handled, ...where, ...more].join(', ')}\n`,
    exitCode: EXIT.ok,
  }
}
