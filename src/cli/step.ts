import { stepCommand } from '../exec/step.ts'
import type { StepCommand } from '../exec/step.ts'
import type { Isolation } from '../kafka/log.ts'
import { step } from '../verbs/step.ts'
import type { StepSummary } from '../verbs/step.ts'
import type { CommonOptions } from './options.ts'
import { tableOfRanges } from './ranges.ts'
import { policyOf } from './repair.ts'
import type { ReconcileChoices } from './repair.ts'
import type { Report } from './report.ts'
import { say, sayNotice } from './say.ts'
import { groupOf, withLogAndStore } from './session.ts'

export interface StepOptions extends CommonOptions, ReconcileChoices {
  readonly maxRecords?: number | undefined
  readonly isolation: Isolation
  readonly loop?: boolean | undefined
  readonly interval?: number | undefined
  readonly untilEnd?: boolean | undefined
}

/** `tidemark step`. Its standard output is the command's; with `-o json` or `csv` it is its own, and the command's goes to stderr. */
export async function stepAction(options: StepOptions, words: readonly string[]): Promise<Report> {
  const group = groupOf(options)
  const policy = policyOf(options)
  using command = stepCommand({ command: words, stdout: options.output === 'text' ? 'inherit' : 'stderr' })
  const signal = passedOn(command)
  const { topic: topics, maxRecords, isolation, loop, interval: intervalMs, untilEnd } = options
  const summary = await withLogAndStore(options, 'write', (log, store) => {
    const { work } = command
    return step(log, store, {
      group,
      topics,
      policy,
      clockSkewMs: options.clockSkew,
      maxRecords,
      isolation,
      loop,
      intervalMs,
      untilEnd,
      work,
      signal,
      onNotice: sayNotice,
    })
  })
  return reportOf(group, summary, command.exitCode)
}

/** Signals are the command's too: what it makes of them decides how it ends. After the first there is no other step. */
function passedOn(command: StepCommand): AbortSignal {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      say(`${name}: passed on to the command, if one runs`)
      stop.abort()
      command.kill(name)
    })
  }
  return stop.signal
}

function reportOf(group: string, { steps, ranges, succeeded }: StepSummary, exitCode: number): Report {
  const failed = succeeded ? '' : `the command exited with ${exitCode}: its ranges are not saved, and come again; `
  const saved =
    steps === 0 ? (succeeded ? 'there was nothing to do' : 'nothing was saved') : `${steps === 1 ? '1 step' : `${steps} steps`} saved`
  return {
    document: { group, steps, succeeded, exitCode, ranges },
    table: tableOfRanges(group, ranges),
    text: () => '',
    remarks: [`${failed}${saved}`],
    exitCode,
  }
}
