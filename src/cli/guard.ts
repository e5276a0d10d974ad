import { guardCommand } from '../exec/guard.ts'
import type { GuardCommand } from '../exec/guard.ts'
import { guard } from '../verbs/guard.ts'
import type { GuardSummary } from '../verbs/guard.ts'
import type { CommonOptions } from './options.ts'
import { tableOfRanges } from './ranges.ts'
import { policyOf } from './repair.ts'
import type { ReconcileChoices } from './repair.ts'
import type { Report } from './report.ts'
import { say, sayNotice } from './say.ts'
import { groupOf, withLogAndStore } from './session.ts'

export interface GuardOptions extends CommonOptions, ReconcileChoices {
  readonly checkpoint?: string | undefined
  readonly done?: string | undefined
  readonly restarts?: number | undefined
}

/** `tidemark guard`. Its standard output is the command's; with `-o json` or `csv` it is its own, and the command's goes to stderr. */
export async function guardAction(options: GuardOptions, words: readonly string[]): Promise<Report> {
  const group = groupOf(options)
  const policy = policyOf(options)
  using command = guardCommand({ command: words, stdout: options.output === 'text' ? 'inherit' : 'stderr' })
  const signal = passedOn(command)
  const { topic: topics, checkpoint, done, restarts, ledger } = options
  const summary = await withLogAndStore(options, 'write', (log, store) =>
    guard(log, store, {
      group,
      topics,
      policy,
      clockSkewMs: options.clockSkew,
      checkpoint,
      ledger,
      done,
      restarts,
      command,
      signal,
      onNotice: sayNotice,
    }),
  )
  return reportOf(group, summary)
}

/** Signals are the command's: what it makes of them decides how it ends. Where none runs, they end the waiting for a cluster or a store that is away. */
function passedOn(command: GuardCommand): AbortSignal {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => {
      if (!command.isRunning) stop.abort()
      say(command.isRunning ? `${name}: passed on to the command` : `${name}: no longer waiting`)
      command.kill(name)
    })
  }
  return stop.signal
}

function reportOf(group: string, { exitCode, restarts, ranges }: GuardSummary): Report {
  const again = restarts === 0 ? '' : `, started again ${restarts === 1 ? 'once' : `${restarts} times`}`
  const offsets = ranges.reduce((sum, { fromOffset, untilOffset }) => sum + untilOffset - fromOffset, 0)
  return {
    document: { group, exitCode, restarts, ranges },
    table: tableOfRanges(group, ranges),
    text: () => '',
    remarks: [`the command ended with exit code ${exitCode}${again}; ${offsets} offsets of ${ranges.length} partitions saved`],
    exitCode,
  }
}
