import type { BigIntStats } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { statSync } from 'node:fs'
import { inspect, openFile } from './sqlite-file.ts'
import { hasSchema } from './sqlite-schema.ts'
import { prepare, type Statements } from './sqlite-statements.ts'
import { transaction } from './sqlite-transaction.ts'

/** How long a file that was read stays open for the next call, ms: who reads a thousand groups opens it once. */
const LINGER_MS = 50

/** The file as it was opened. */
interface Opened {
  readonly db: DatabaseSync
  /** As it was then. */
  readonly file: BigIntStats
  /** As one that nobody writes. */
  readonly isStill: boolean
  /** Once Tidemark's tables were found in it. */
  statements?: Statements | undefined
}

/** Reads a file that others may make, write or replace at any time. */
export class ReadFile {
  readonly #path: string
  #opened: Opened | undefined
  #closing: NodeJS.Timeout | undefined

  constructor(path: string) {
    this.#path = path
  }

  /**
   * A file without a log beside it is read as one that nobody writes: SQLite would otherwise make that log, or fail where
   * it may not. Should somebody have begun to write meanwhile, what was read counts for nothing, and it is read again.
   */
  read<T>(work: (statements: Statements, db: DatabaseSync) => T, empty: T): T {
    for (;;) {
      const file = inspect(this.#path)
      if (file === undefined) {
        this.close()
        return empty
      }
      const isStill = !hasLog(this.#path)
      const isStale = (): boolean => isStill && !sameContent(file, inspect(this.#path))
      try {
        const result = this.#readNow(this.#open(file, isStill), work, empty)
        if (!isStale()) return result
        this.close()
      } catch (error) {
        this.close()
        if (!isStale()) throw error
      }
    }
  }

  close(): void {
    clearTimeout(this.#closing)
    this.#opened?.db.close()
    this.#opened = undefined
  }

  #readNow<T>(opened: Opened, work: (statements: Statements, db: DatabaseSync) => T, empty: T): T {
    return transaction(opened.db, 'DEFERRED', () => {
      if (opened.statements === undefined && hasSchema(opened.db, this.#path)) opened.statements = prepare(opened.db)
      return opened.statements === undefined ? empty : work(opened.statements, opened.db)
    })
  }

  #open(file: BigIntStats, isStill: boolean): Opened {
    const before = this.#opened
    const isSame = before?.isStill === isStill && (isStill ? sameContent(before.file, file) : identityOf(before.file) === identityOf(file))
    if (!isSame) this.close()
    this.#opened ??= { db: openFile(this.#path, isStill ? 'immutable' : 'read'), file, isStill }
    clearTimeout(this.#closing)
    this.#closing = setTimeout(() => this.close(), LINGER_MS).unref()
    return this.#opened
  }
}

/** Names the file that a path led to: what is put in its place is another one. */
export function identityOf(file: BigIntStats | undefined): string {
  return file === undefined ? 'none' : `${file.dev}:${file.ino}`
}

function sameContent(before: BigIntStats, after: BigIntStats | undefined): boolean {
  return after !== undefined && identityOf(after) === identityOf(before) && after.mtimeNs === before.mtimeNs && after.size === before.size
}

function hasLog(path: string): boolean {
  return ['-wal', '-journal'].some((suffix) => (statSync(`${path}${suffix}`, { throwIfNoEntry: false })?.size ?? 0) > 0)
}
