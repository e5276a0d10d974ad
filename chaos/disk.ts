import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { cache } from '../scripts/paths.mjs'
import { runToTheEnd } from '../scripts/run.mjs'

/** Where the small disk is mounted: for this process and its children only, so the mount goes when the last of them does. The folder itself stays, empty. */
const mountPoint = join(cache, 'chaos-disk')
const SIZE = '16m'
const MARK = 'TIDEMARK_CHAOS_DISK'
const MOUNT = 'mount -t tmpfs -o size="$1" tidemark-chaos "$2" && shift 2 && exec "$@"'

/** The small disk that this process has, if it has one. */
export function smallDisk(): string | undefined {
  return process.env[MARK]
}

/** Runs this very command again where it has a small disk of its own. Returns where that is not allowed, or it has one. */
export async function withSmallDisk(): Promise<void> {
  if (smallDisk() !== undefined) return
  mkdirSync(mountPoint, { recursive: true })
  // Not root: one that is root in its own eyes may mount, too, where user namespaces are allowed.
  const flags = process.getuid?.() === 0 ? ['-m'] : ['-r', '-m']
  const inside = (command: string[]): string[] => [...flags, 'sh', '-c', MOUNT, 'sh', SIZE, mountPoint, ...command]
  if (spawnSync('unshare', inside(['true']), { stdio: 'ignore' }).status !== 0) return
  process.env[MARK] = mountPoint
  await runToTheEnd('unshare', inside([process.execPath, ...process.argv.slice(1)]))
}

/** Fills the disk; what it returns makes room again. */
export function fillDisk(disk: string, database: string): () => void {
  // Else SQLite would go on for a while in the room that its log has already.
  const db = new DatabaseSync(database, { timeout: 5_000 })
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  db.close()
  const balloon = join(disk, 'balloon')
  for (const size of [1024 * 1024, 4096]) blow(balloon, size)
  return () => rmSync(balloon, { force: true })
}

/** Locks the database for writing, as another program might; what it returns lets go. */
export function lockDatabase(file: string): () => void {
  const db = new DatabaseSync(file, { timeout: 5_000 })
  db.exec('BEGIN IMMEDIATE')
  return () => db.close()
}

function blow(balloon: string, size: number): void {
  const air = Buffer.alloc(size)
  try {
    for (;;) writeFileSync(balloon, air, { flag: 'a' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  }
}
