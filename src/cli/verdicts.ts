import { isFinding } from '../core/verdict.ts'
import type { VerdictName } from '../core/verdict.ts'
import { EXIT } from './failure.ts'
import type { ExitCode } from './failure.ts'
import type { Colour } from './table.ts'

/** The exit code that a verdict comes to as long as nothing is done about it. */
export function exitCodeFor(verdict: VerdictName): ExitCode {
  if (verdict === 'unknown') return EXIT.undetermined
  return isFinding(verdict) ? EXIT.findings : EXIT.ok
}

/** How a verdict looks on a terminal. */
export function colourOf(verdict: VerdictName): Colour {
  if (verdict === 'valid') return 'green'
  return isFinding(verdict) ? 'red' : 'yellow'
}

/** Evidence as one cell. That a valid offset lies within the log is what the columns say already. */
export function evidenceCell(verdict: VerdictName, evidence: readonly string[]): string | null {
  const worthSaying = verdict === 'valid' ? evidence.slice(1) : evidence
  return worthSaying.length === 0 ? null : worthSaying.join('; ')
}
