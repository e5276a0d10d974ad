import { closeSync, fdatasync, fsyncSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { TidemarkError } from '../errors.ts'

const datasync = promisify(fdatasync)

/**
 * The write-ahead log of an open SQLite file. A commit lasts once its log is on the disk: `synchronous = FULL` waits for that within
 * COMMIT, and holds up everything else of this process meanwhile, the fetching of records too. So SQLite is told not to wait (NORMAL,
 * which keeps the file as safe from corruption: sqlite.org/pragma.html#pragma_synchronous), and whoever wrote awaits `sync` instead.
 */
export class WriteAheadLog {
  readonly #path: string
  #file: number | undefined

  constructor(db: DatabaseSync, path: string) {
    this.#path = path
    db.exec('PRAGMA synchronous = NORMAL')
  }

  /** Resolves once everything that was committed before is on the disk. @throws TidemarkError STORE_OUTCOME_UNKNOWN */
  async sync(): Promise<void> {
    try {
      await datasync((this.#file ??= this.#open()))
    } catch (cause) {
      throw new TidemarkError('STORE_OUTCOME_UNKNOWN', `the disk failed while a save was being written to ${this.#path}`, { cause })
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }

  /** SQLite keeps the log in place for as long as a connection is open. Its name in the folder has to last too. */
  #open(): number {
    const folder = openSync(dirname(this.#path), 'r')
    try {
      fsyncSync(folder)
    } finally {
      closeSync(folder)
    }
    return openSync(`${this.#path}-wal`, 'r+')
  }
}
