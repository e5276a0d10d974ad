import type { Command } from 'commander'
import type { Shell } from '../options.ts'
import type { Action } from '../report.ts'
import { printCandidates } from './candidates.ts'
import { SCRIPTS } from './scripts.ts'

/** `tidemark completion`: the script of a shell. */
export const completionAction: Action = (_options, [shell]) => {
  const script = SCRIPTS[shell as Shell]
  return Promise.resolve({ document: {}, table: { columns: [], rows: [] }, text: () => script, exitCode: 0 })
}

/** `tidemark complete`, which those scripts call: what may stand at the end of a command line. */
export function completeAction(program: Command, words: readonly string[]): void {
  process.stdout.write(printCandidates(program, words))
}
