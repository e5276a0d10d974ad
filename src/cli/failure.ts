import { inspect } from 'node:util'
import { TidemarkError } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'
import { plain } from './table.ts'

/** How a command ended: the exit codes of every verb. */
export const EXIT = { ok: 0, failed: 1, usage: 2, findings: 3, undetermined: 4 } as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

const EXIT_OF_ERROR: Partial<Record<ErrorCode, ExitCode>> = {
  USAGE: EXIT.usage,
  GROUP_NAME: EXIT.usage,
  WATCH_CONFIG: EXIT.usage,
  HANDLER_INVALID: EXIT.usage,
  CHECKPOINT_STATEFUL: EXIT.findings,
  CHECKPOINT_FILE_SINK: EXIT.findings,
  CHECKPOINT_PLANNED: EXIT.findings,
  CHECKPOINT_READ_ONLY: EXIT.findings,
  POLICY_FAIL: EXIT.findings,
  LIMIT_EXCEEDED: EXIT.findings,
  KAFKA_UNREACHABLE: EXIT.undetermined,
  STORE_UNREACHABLE: EXIT.undetermined,
  STORE_OUTCOME_UNKNOWN: EXIT.undetermined,
  FACTS_UNKNOWN: EXIT.undetermined,
}

/** The exit code that an error comes to. */
export function exitCodeOf(error: unknown): ExitCode {
  return error instanceof TidemarkError ? (EXIT_OF_ERROR[error.code] ?? EXIT.failed) : EXIT.failed
}

/** The worst of several: 4 wins over 3, and both over the others; a failure wins over all well. */
export function worst(codes: Iterable<ExitCode>): ExitCode {
  return [...codes].reduce<ExitCode>((a, b) => (a > b ? a : b), EXIT.ok)
}

/** An error as people read it: one line with code and message; with `verbose` the stack traces of it and its causes too. Never with a secret. */
export function printFailure(error: unknown, verbose: boolean | undefined): string {
  const code = error instanceof TidemarkError ? error.code : 'INTERNAL'
  const message = error instanceof Error ? error.message : String(error)
  const line = `tidemark: ${code}: ${withoutSecrets(plain(message.replaceAll(/\s*\n\s*/g, ' ')))}\n`
  return verbose === true ? `${line}${withoutSecrets(inspect(error))}\n` : line
}

/** The last of several guards: nothing that looks like a password leaves this process, wherever a message has it from. What a hint shows as `"…"` is none. */
export function withoutSecrets(text: string): string {
  return text
    .replaceAll(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:@/]*):[^\s'"]*@/gi, '$1:***@')
    .replaceAll(/([\w.-]*(?:password|passwd|secret|token)[\w.-]*\s*[=:]\s*)(?!"…")(?:"[^"]*"|'[^']*'|[^\s"',;&]+)/gi, '$1***')
}
