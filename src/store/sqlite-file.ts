import { accessSync, constants, statSync, type BigIntStats } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { asTidemarkError, TidemarkError, type ErrorCode } from '../errors.ts'
import { withoutPassword } from './url.ts'

/** How long SQLite itself waits for a lock, ms: it blocks the whole process meanwhile, so not for long. */
const LOCK_MS = 20

/** SQLite's primary result codes that mean something to a store. */
const CODES: Readonly<Record<number, readonly [ErrorCode, string, string?]>> = {
  1: ['STORE_CORRUPT', 'does not hold the tables that it should', 'Name another file, or restore this one'],
  3: ['STORE_DENIED', 'may not be accessed'],
  5: ['STORE_UNREACHABLE', 'is locked by another program', 'End what keeps a transaction open on it'],
  6: ['STORE_UNREACHABLE', 'is locked by another program', 'End what keeps a transaction open on it'],
  8: ['STORE_DENIED', 'may not be written'],
  10: ['STORE_UNREACHABLE', 'can’t be read or written: the disk fails', 'Look at the disk'],
  11: ['STORE_CORRUPT', 'is damaged', 'Restore it from a backup, or name another file; nothing was overwritten'],
  13: ['STORE_UNREACHABLE', 'can’t grow: the disk is full; nothing was written', 'Make room on the disk'],
  14: [
    'STORE_DENIED',
    'can’t be opened',
    'SQLite needs to read the file, and the -wal and -shm files beside it, and to write in its directory',
  ],
  26: ['STORE_CORRUPT', 'is no SQLite database', 'Name another file; nothing was overwritten'],
}

/** The path that `sqlite:PATH`, `sqlite:///PATH` names, percent-escapes undone. @throws TidemarkError USAGE where it names none. */
export function pathOf(url: string): string {
  const rest = url.slice('sqlite:'.length)
  const hint = 'Name a file like sqlite:./tidemark.db or sqlite:///var/lib/tidemark.db; write %3F, %23 and %25 for ?, # and % in its name'
  if (/^\/\/[^/]/.test(rest)) throw new TidemarkError('USAGE', `${withoutPassword(url)} names a host, and SQLite has none`, { hint })
  if (/[?#]/.test(rest)) throw new TidemarkError('USAGE', `${withoutPassword(url)}: an SQLite store has no parameters`, { hint })
  if (rest === '' || rest.startsWith(':')) throw new TidemarkError('USAGE', `${withoutPassword(url)} names no file`, { hint })
  try {
    return resolve(decodeURIComponent(rest.replace(/^\/\//, '')))
  } catch {
    throw new TidemarkError('USAGE', `${withoutPassword(url)} has a percent sign that escapes nothing`, { hint })
  }
}

/** What there is at the path; undefined: nothing. @throws TidemarkError STORE_NOT_FOUND without a directory for it, STORE_DENIED without permission. */
export function inspect(path: string): BigIntStats | undefined {
  const directory = dirname(path)
  try {
    if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) {
      throw new TidemarkError('STORE_NOT_FOUND', `there is no directory ${directory}`, { hint: 'Create it, or name another file' })
    }
    const found = statSync(path, { bigint: true, throwIfNoEntry: false })
    if (found?.isDirectory() === true) throw new TidemarkError('STORE_NOT_FOUND', `${path} is a directory`, { hint: 'Name a file in it' })
    if (found !== undefined) accessSync(path, constants.R_OK)
    return found
  } catch (error) {
    throw asTidemarkError(error, 'STORE_DENIED', { hint: 'Look at the permissions of the file and its directories' })
  }
}

/** Fails where the file, or the directory that is to hold it, may not be written. @throws TidemarkError STORE_DENIED. */
export function assertWritable(path: string): void {
  try {
    if (inspect(path) !== undefined) accessSync(path, constants.W_OK)
    accessSync(dirname(path), constants.W_OK)
  } catch (error) {
    throw asTidemarkError(error, 'STORE_DENIED', { hint: 'SQLite writes the file and, beside it, its -wal and -shm files' })
  }
}

/** Opens the file. `immutable`: as one that nobody writes, which needs and makes no other file. */
export function openFile(path: string, mode: 'read' | 'write' | 'immutable'): DatabaseSync {
  const url = `${pathToFileURL(path).href}${mode === 'immutable' ? '?immutable=1' : ''}`
  return new (sqlite().DatabaseSync)(url, { readOnly: mode !== 'write', timeout: LOCK_MS })
}

/** Does something synchronous again until no lock is in its way or `patience` ms are over. Others run in the pauses. */
export async function unlessLocked<T>(patience: number, work: () => T): Promise<T> {
  for (const end = performance.now() + patience; ;) {
    try {
      return work()
    } catch (error) {
      if (![5, 6].includes(primaryCode(error)) || performance.now() >= end) throw error
    }
    await sleep(1 + Math.random() * 10)
  }
}

/** An error of SQLite's as the contract's; any other as it is. */
export function storeError(error: unknown, path: string): TidemarkError {
  const [code, what, hint] = CODES[primaryCode(error)] ?? []
  if (code === undefined) return asTidemarkError(error)
  const detail = code === 'STORE_CORRUPT' && error instanceof Error ? ` (${error.message})` : ''
  return new TidemarkError(code, `${path} ${what}${detail}`, { hint, cause: error })
}

/** Whether SQLite can't tell if what it was told to commit is on the disk. */
export function isDiskFailure(error: unknown): boolean {
  return primaryCode(error) === 10
}

function primaryCode(error: unknown): number {
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : 0
}

/** node:sqlite, without the warning that Node 22 prints when it is first loaded: it is not the user's concern. */
function sqlite() {
  const emitWarning = process.emitWarning.bind(process)
  process.emitWarning = () => {}
  try {
    return process.getBuiltinModule('node:sqlite')
  } finally {
    process.emitWarning = emitWarning
  }
}
