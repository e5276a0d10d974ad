import type { TidemarkError } from '../errors.ts'
import type { Screen, Table } from './table.ts'

/** What a verb found or did, before it is printed in one form or another. */
export interface Report {
  /** The JSON document, without its version. */
  readonly document: Readonly<Record<string, unknown>>
  /** The rows of the text and the CSV form. */
  readonly table: Table
  /** The text form, where it is no table. */
  readonly text?: ((screen: Screen) => string) | undefined
  /** Remarks for people, on stderr, in the text form only. */
  readonly remarks?: readonly string[] | undefined
  /** What failed beside what succeeded, each one line on stderr. */
  readonly failures?: readonly TidemarkError[] | undefined
  /** Everything was written while the verb ran. */
  readonly isWritten?: boolean | undefined
  /** One of {@link EXIT}; or the exit code of the user's own command. */
  readonly exitCode: number
}

/** What a verb's module exports: options and arguments to a report. */
export type Action = (options: never, args: readonly string[]) => Promise<Report>
