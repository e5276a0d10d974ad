import { keyOf } from '../core/position.ts'
import type { OffsetRange } from '../core/position.ts'
import { BatchVoice } from '../diagnostics.ts'
import { asTidemarkError } from '../errors.ts'
import { openExternal } from '../external/custody.ts'
import type { External, ExternalOptions, PlannedWork } from '../external/options.ts'
import { printRange } from '../job/batch.ts'
import { withDefaults } from '../job/options.ts'
import type { Log } from '../kafka/log.ts'
import { printOffsetsOption } from '../spark/offsets-option.ts'
import type { Store } from '../store/store.ts'

/** A piece of work: what is to be read, and nothing else. */
export interface Step {
  /** One range per partition, sorted; empty ones where there is nothing to do. */
  readonly ranges: readonly OffsetRange[]
  /** Where they begin, as JSON that Spark's Kafka source takes: `{"orders":{"0":23,"1":42}}`. */
  readonly startingOffsets: string
  /** Where they end, the first offsets that are not read. */
  readonly endingOffsets: string
  /** The same ranges were begun before, and not saved: by a run that failed or was killed. */
  readonly isReplay: boolean
}

/** Does a step's work. What it read is saved where it says true; nothing where it says false or throws: the same ranges come again. */
export type StepWork = (step: Step) => Promise<boolean>

/** What is worked on, and how much at a time. */
export interface StepOptions extends ExternalOptions {
  readonly work: StepWork
  /** Records in one step over all partitions, at most; counted by offsets. Default 10,000. */
  readonly maxRecords?: number | undefined
  /** Step after step until `signal` is aborted, instead of one. `untilEnd` steps up to the ends seen at the start. */
  readonly loop?: boolean | undefined
  /** How long a loop that has reached the log ends waits before it looks again, ms. Default 10,000. */
  readonly intervalMs?: number | undefined
}

/** What was done. */
export interface StepSummary {
  /** Steps whose work was done and saved. */
  readonly steps: number
  /** From the first to the last offset that was passed, by partition. */
  readonly ranges: readonly OffsetRange[]
  /** False: the last step's work failed; its ranges stay planned. */
  readonly succeeded: boolean
}

/** A line stays readable with so many ranges. */
const RANGES_SHOWN = 8

/**
 * The loop of a job that keeps its offsets by hand: reconciles, stores the ranges to do next, does the work, and saves the offsets after
 * it succeeded. After a crash, wherever it came, the same ranges are done again. Where there is nothing to do, no work is called.
 * @throws TidemarkError what openExternal, plan and done throw; and whatever `work` throws
 */
export async function step(log: Log, store: Store, options: StepOptions): Promise<StepSummary> {
  const { group, signal, clock, onNotice, untilEnd } = withDefaults(options)
  const { work, maxRecords = 10_000, loop = false, intervalMs = 10_000 } = options
  const ranges = new Map<string, OffsetRange>()
  let steps = 0
  const summary = (succeeded: boolean): StepSummary => ({ steps, ranges: [...ranges.values()], succeeded })
  try {
    await using external = await openExternal(log, store, options)
    for (;;) {
      const planned = await external.plan(maxRecords)
      if (planned.offsets > 0) {
        onNotice({ kind: planned.isReplay ? 'replanned' : 'started', text: sentenceOf(planned) })
        if (!(await workOn(planned, { group, external, work }))) return summary(false)
        steps++
        for (const range of planned.ranges.filter(isFilled)) ranges.set(keyOf(range), joined(ranges.get(keyOf(range)), range))
      }
      if (!(loop || untilEnd) || (untilEnd && planned.left === 0)) return summary(true)
      if (planned.left === 0) await clock.sleep(intervalMs, signal)
      if (signal.aborted) return summary(true)
    }
  } catch (error) {
    // A question to the cluster that the stop cut short is no failure.
    if (signal.aborted && error === signal.reason) return summary(true)
    throw asTidemarkError(error, 'INTERNAL', { group })
  }
}

interface Working {
  readonly group: string
  readonly external: External
  readonly work: StepWork
}

/** Does the work and saves what it read. Says whether it succeeded. */
async function workOn(planned: PlannedWork, { group, external, work }: Working): Promise<boolean> {
  const voice = new BatchVoice({ group, ranges: planned.ranges.filter(isFilled), recordCount: planned.offsets })
  voice.tell('planned')
  try {
    if (!(await work(stepOf(planned)))) {
      voice.tell('failed', { error: new Error('the work of the step did not succeed') })
      return false
    }
    voice.tell('handled')
    await external.done(planned.ranges)
  } catch (error) {
    voice.tell('failed', { error })
    throw error
  }
  voice.tell('saved')
  return true
}

function stepOf({ ranges, isReplay }: PlannedWork): Step {
  const startingOffsets = printOffsetsOption(ranges.map((range) => ({ ...range, offset: range.fromOffset })))
  const endingOffsets = printOffsetsOption(ranges.map((range) => ({ ...range, offset: range.untilOffset })))
  return { ranges, startingOffsets, endingOffsets, isReplay }
}

function sentenceOf({ ranges, offsets, isReplay }: PlannedWork): string {
  const filled = ranges.filter(isFilled)
  const shown = filled.slice(0, RANGES_SHOWN).map(printRange).join(', ')
  const more = filled.length > RANGES_SHOWN ? ` and ${filled.length - RANGES_SHOWN} partitions more` : ''
  return `${isReplay ? 'doing again what was planned before the last stop' : 'doing'}: ${offsets} offsets: ${shown}${more}`
}

function isFilled({ fromOffset, untilOffset }: OffsetRange): boolean {
  return untilOffset > fromOffset
}

function joined(before: OffsetRange | undefined, range: OffsetRange): OffsetRange {
  return { ...range, fromOffset: before?.fromOffset ?? range.fromOffset }
}
