import type { DatabaseSync } from 'node:sqlite'
import { statSync } from 'node:fs'
import { TidemarkError } from '../errors.ts'
import { assertWritable, inspect, openFile, storeError, unlessLocked } from './sqlite-file.ts'
import { WriteAheadLog } from './sqlite-log.ts'
import { identityOf, ReadFile } from './sqlite-reading.ts'
import { createSchema, hasSchema, isOlder, migrate } from './sqlite-schema.ts'
import { prepare, type Statements } from './sqlite-statements.ts'
import { commit, transaction } from './sqlite-transaction.ts'

/** A way to an SQLite store's tables. What is done in one call sees one state of them, and is applied as a whole or not at all. */
export interface Access {
  /** `empty` is the answer where there is no store yet. */
  read<T>(work: (statements: Statements, db: DatabaseSync) => T, empty: T): Promise<T>
  write<T>(work: (statements: Statements, db: DatabaseSync) => T): Promise<T>
  /** One transaction that is held open while `work` is awaited; all other calls wait for it. What `work` throws rolls it back and is thrown on. */
  transact<T>(work: (statements: Statements, db: DatabaseSync) => Promise<T>): Promise<T>
  close(): void
}

/**
 * Opens the file for writing, makes it and its tables where there are none, and keeps it open.
 * @param patience how long to wait for other writers, ms.
 */
export async function accessForWriting(path: string, patience: number): Promise<Access> {
  assertWritable(path)
  try {
    const db = openFile(path, 'write')
    try {
      return await unlessLocked(patience, () => setUp(db, path, patience))
    } catch (error) {
      db.close()
      throw error
    }
  } catch (error) {
    throw storeError(error, path)
  }
}

function setUp(db: DatabaseSync, path: string, patience: number): Access {
  // Asked before anything is changed: turning on WAL would already write into another program's file.
  if (!hasSchema(db, path)) {
    db.exec('PRAGMA journal_mode = WAL')
    transaction(db, 'IMMEDIATE', () => createSchema(db, path))
  }
  if (isOlder(db)) transaction(db, 'IMMEDIATE', () => migrate(db))
  const log = new WriteAheadLog(db, path)
  const statements = prepare(db)
  const opened = identityOf(inspect(path))
  let idle: Promise<void> = Promise.resolve()
  const run = async <T>(kind: 'DEFERRED' | 'IMMEDIATE', work: (statements: Statements, db: DatabaseSync) => T): Promise<T> => {
    await idle
    assertSame(path, opened)
    return unlessLocked(patience, () => transaction(db, kind, () => work(statements, db))).catch((error: unknown) => {
      throw storeError(error, path)
    })
  }
  return {
    read: (work) => run('DEFERRED', work),
    write: async (work) => {
      const result = await run('IMMEDIATE', work)
      await log.sync()
      return result
    },
    transact: async (work) => {
      const before = idle
      const over = Promise.withResolvers<void>()
      idle = before.then(() => over.promise)
      await before
      try {
        assertSame(path, opened)
        await unlessLocked(patience, () => db.exec('BEGIN IMMEDIATE')).catch((error: unknown) => {
          throw storeError(error, path)
        })
        const result = await heldOpen(db, path, () => work(statements, db))
        await log.sync()
        return result
      } finally {
        over.resolve()
      }
    },
    close: () => {
      log.close()
      if (db.isOpen) db.close()
    },
  }
}

/** Reads the file as it is at each call: it may not be there yet, or be replaced. Creates nothing. */
export function accessForReading(path: string, patience: number): Access {
  const file = new ReadFile(path)
  return {
    async read(work, empty) {
      try {
        return await unlessLocked(patience, () => file.read(work, empty))
      } catch (error) {
        throw storeError(error, path)
      }
    },
    write: () => refuseToWrite(path),
    transact: () => refuseToWrite(path),
    close: () => file.close(),
  }
}

async function refuseToWrite(path: string): Promise<never> {
  throw new TidemarkError('STORE_UNSUPPORTED', `${path} was opened for reading only`)
}

/** Ends a transaction that was begun: commits what `work` did, or rolls it back. */
async function heldOpen<T>(db: DatabaseSync, path: string, work: () => Promise<T>): Promise<T> {
  let result: T
  try {
    result = await work()
  } catch (error) {
    if (db.isOpen && db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
  if (!db.isTransaction) {
    throw new TidemarkError('USAGE', 'the handler ended the transaction that it was given', {
      hint: 'Leave COMMIT and ROLLBACK to Tidemark; throw to roll back',
    })
  }
  try {
    commit(db)
  } catch (error) {
    throw storeError(error, path)
  }
  return result
}

/** @throws TidemarkError STORE_NOT_FOUND where the path names another file than the one that was opened: what is saved there would be lost. */
function assertSame(path: string, opened: string): void {
  const now = statSync(path, { bigint: true, throwIfNoEntry: false })
  if (identityOf(now) === opened) return
  throw new TidemarkError('STORE_NOT_FOUND', `${path} was moved, removed or replaced while it was open; nothing was written`, {
    hint: 'Start again',
  })
}
