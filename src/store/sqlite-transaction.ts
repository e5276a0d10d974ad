import type { DatabaseSync } from 'node:sqlite'
import { TidemarkError } from '../errors.ts'
import { isDiskFailure } from './sqlite-file.ts'

/** Does something in one transaction, which is rolled back where it throws. */
export function transaction<T>(db: DatabaseSync, kind: 'DEFERRED' | 'IMMEDIATE', work: () => T): T {
  db.exec(`BEGIN ${kind}`)
  let result: T
  try {
    result = work()
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
  commit(db)
  return result
}

/** Commits, or rolls back where that fails. @throws TidemarkError STORE_OUTCOME_UNKNOWN where SQLite can't tell whether it is on the disk */
export function commit(db: DatabaseSync): void {
  try {
    db.exec('COMMIT')
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    if (!isDiskFailure(error)) throw error
    throw new TidemarkError('STORE_OUTCOME_UNKNOWN', 'the disk failed while a save was being written to it', { cause: error })
  }
}
