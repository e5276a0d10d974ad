import assert from 'node:assert/strict'
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { once } from 'node:events'
import { join, relative } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { positionOf } from '../../src/core/custody.ts'
import { accessForReading } from '../../src/store/sqlite-access.ts'
import { storeError } from '../../src/store/sqlite-file.ts'
import { openStore, type Store } from '../../src/store/store.ts'
import { temporaryDirectory } from './temporary.ts'

const directory = temporaryDirectory()
const childFile = fileURLToPath(new URL('sqlite-child.ts', import.meta.url))
let files = 0

/** A path in the temporary directory at which there is nothing yet. */
function fresh(): string {
  files += 1
  return join(directory, `store-${files}.db`)
}

function child(path: string, ...args: string[]): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [childFile, `sqlite:${path}`, ...args])
}

/** Puts an offset into partition 0 of orders. */
async function put(store: Store, group: string, offset: number): Promise<void> {
  const [custody] = await store.load(group, [{ topic: 'orders', partition: 0 }])
  assert.ok(custody)
  const write = { ...custody, expected: custody.revision, position: { offset }, saveId: `to ${offset}`, ledger: [] }
  assert.equal((await store.save(group, [write]))[0]?.status, 'saved')
}

/** A file with one offset in it, closed. */
async function filled(path = fresh()): Promise<string> {
  await using store = await openStore(`sqlite:${path}`)
  await put(store, 'billing', 7)
  return path
}

/** As a person with the sqlite3 shell would. */
function byHand(path: string, sql: string): void {
  const db = new DatabaseSync(path)
  db.exec(sql)
  db.close()
}

async function offsetIn(path: string, mode: 'read' | 'write' = 'read', url = `sqlite:${path}`): Promise<number | undefined> {
  await using store = await openStore(url, { mode })
  const [custody] = await store.load('billing')
  return custody && positionOf(custody)?.offset
}

function hasCode(code: string, text: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.equal((error as { code?: string }).code, code)
    assert.match((error as Error).message, text)
    return true
  }
}

test('four processes that race for one offset lose no update', async () => {
  const path = fresh()
  const children = [1, 2, 3, 4].map(() => child(path, 'increment', '40'))
  const ends = await Promise.all(children.map(async (each) => ((await once(each, 'exit')) as [number])[0]))
  assert.deepEqual(ends, [0, 0, 0, 0])
  await using store = await openStore(`sqlite:${path}`)
  const [custody] = await store.load('race')
  assert.equal(custody && positionOf(custody)?.offset, 160)
})

test('a writer killed in the middle of its saves leaves whole saves only, and none that it had reported is missing', async () => {
  const path = fresh()
  for (let kill = 0; kill < 5; kill += 1) {
    const writer = child(path, 'save-forever')
    let reported = ''
    writer.stdout.on('data', (chunk: Buffer) => (reported += chunk.toString()))
    await once(writer.stdout, 'data')
    await new Promise((resolve) => setTimeout(resolve, 20 + Math.random() * 100))
    writer.kill('SIGKILL')
    await once(writer, 'close')
    await using store = await openStore(`sqlite:${path}`, { mode: kill % 2 === 0 ? 'write' : 'read' })
    const found = await store.load('killed')
    const offsets = new Set(found.map((custody) => positionOf(custody)?.offset))
    assert.deepEqual([found.length, offsets.size], [8, 1])
    const [offset = -1] = offsets
    const last = Number(reported.trim().split('\n').at(-1))
    assert.ok(offset >= last && offset <= last + 1, `${offset} is stored, ${last} was reported`)
    assert.equal((await store.ledger({ group: 'killed' })).filter(({ to }) => to === offset).length % 8, 0)
  }
})

test('a file that is no database is refused and left as it is', async () => {
  const path = fresh()
  writeFileSync(path, 'this is no database. '.repeat(1_000))
  for (const mode of ['read', 'write'] as const) {
    await assert.rejects(openStore(`sqlite:${path}`, { mode }), hasCode('STORE_CORRUPT', /no SQLite database.*Name another file/))
  }
  assert.equal(readFileSync(path, 'utf8'), 'this is no database. '.repeat(1_000))
})

test('a half-written file is refused and left as it is', async () => {
  const path = await filled()
  const size = readFileSync(path).length
  truncateSync(path, Math.floor(size / 2))
  const half = readFileSync(path)
  for (const mode of ['read', 'write'] as const) {
    await assert.rejects(openStore(`sqlite:${path}`, { mode }), hasCode('STORE_CORRUPT', /is damaged.*Restore it/))
  }
  assert.deepEqual(readFileSync(path), half)
})

test('an empty file becomes a store when it is written, and stays empty when it is read', async () => {
  const path = fresh()
  writeFileSync(path, '')
  assert.equal(await offsetIn(path), undefined)
  assert.equal(readFileSync(path).length, 0)
  assert.equal(await offsetIn(await filled(path)), 7)
})

test('another program’s database is refused and left as it is', async () => {
  const path = fresh()
  byHand(path, 'CREATE TABLE theirs (a)')
  const before = readFileSync(path)
  for (const mode of ['read', 'write'] as const) {
    await assert.rejects(openStore(`sqlite:${path}`, { mode }), hasCode('STORE_CORRUPT', /another program’s|another program's/))
  }
  assert.deepEqual(readFileSync(path), before)
})

test('a file of a newer Tidemark is refused, and says so', async () => {
  const path = await filled()
  byHand(path, 'PRAGMA user_version = 99')
  for (const mode of ['read', 'write'] as const) {
    await assert.rejects(openStore(`sqlite:${path}`, { mode }), hasCode('STORE_CORRUPT', /newer Tidemark.*99.*Update Tidemark/))
  }
})

test('reading a store that does not exist finds it empty and creates nothing, and sees it once it is there', async () => {
  const folder = join(directory, 'nothing-here')
  mkdirSync(folder)
  const path = join(folder, 'tidemark.db')
  await using store = await openStore(`sqlite:${path}`, { mode: 'read' })
  assert.deepEqual(await store.load('billing'), [])
  assert.equal((await store.load('billing', [{ topic: 'orders', partition: 3 }]))[0]?.stored.state, 'absent')
  assert.deepEqual([await store.groups(), await store.ledger({}), await store.members('billing')], [[], [], []])
  assert.deepEqual(readdirSync(folder), [])
  await filled(path)
  assert.equal((await store.load('billing')).length, 1)
  assert.deepEqual(readdirSync(folder), ['tidemark.db'])
})

test('reading while another process writes sees each save, and takes nothing away from it', async () => {
  const path = fresh()
  await using writer = await openStore(`sqlite:${path}`)
  await using reader = await openStore(`sqlite:${path}`, { mode: 'read' })
  for (const offset of [1, 2, 3]) {
    await put(writer, 'billing', offset)
    assert.equal(await offsetIn(path), offset)
    assert.deepEqual(
      (await reader.load('billing')).map((custody) => positionOf(custody)?.offset),
      [offset],
    )
  }
})

test('a reader sees at once that the file it has just read was changed, moved away, or replaced', async () => {
  const path = await filled()
  await using reader = await openStore(`sqlite:${path}`, { mode: 'read' })
  const seen = async (): Promise<(number | undefined)[]> => (await reader.load('billing')).map((custody) => positionOf(custody)?.offset)
  assert.deepEqual([await seen(), await seen()], [[7], [7]])
  byHand(path, 'UPDATE positions SET committed_offset = 8')
  assert.deepEqual(await seen(), [8])
  renameSync(path, `${path}.away`)
  assert.deepEqual(await seen(), [])
  renameSync(await filled(), path)
  assert.deepEqual(await seen(), [7])
  renameSync(`${path}.away`, path)
  assert.deepEqual(await seen(), [8])
})

test('what was read while a writer changed the file is read again', async () => {
  const path = await filled()
  let looks = 0
  const revisions = await accessForReading(path, 1_000).read((statements) => {
    looks += 1
    const [before] = statements.positions('billing')
    if (looks === 1) byHand(path, 'UPDATE positions SET committed_offset = 8')
    const [after] = statements.positions('billing')
    return [before?.committed_offset, after?.committed_offset]
  }, [])
  assert.deepEqual([looks, revisions], [2, [8n, 8n]])
})

test('a path may have spaces, percent signs and question marks, and may be relative or absolute', async () => {
  const name = 'a b% c?d#e ü.db'
  const escaped = 'a b%25 c%3Fd%23e %C3%BC.db'
  await filledAt(`sqlite://${directory}/${escaped}`)
  assert.ok(existsSync(join(directory, name)))
  for (const url of [`sqlite:${directory}/${escaped}`, `sqlite:./${relative('.', directory)}/${escaped}`])
    assert.equal(await offsetIn('', 'read', url), 7)
})

test('a URL that names no file of ours is a usage error that says how to write one', async () => {
  for (const url of ['sqlite:', 'sqlite://host/file.db', 'sqlite:./a.db?mode=ro', 'sqlite:./50%.db', 'sqlite::memory:']) {
    await assert.rejects(openStore(url), hasCode('USAGE', /sqlite:\.\/tidemark\.db/))
  }
})

test('a directory that is missing, and one in the place of the file, are not found', async () => {
  for (const mode of ['read', 'write'] as const) {
    await assert.rejects(
      openStore(`sqlite:${directory}/no/such/dir/x.db`, { mode }),
      hasCode('STORE_NOT_FOUND', /no directory .*no\/such\/dir/),
    )
    await assert.rejects(openStore(`sqlite:${directory}`, { mode }), hasCode('STORE_NOT_FOUND', /is a directory/))
  }
})

test('without permission to write a store is refused, and can still be read, from a read-only directory too', async () => {
  const folder = join(directory, 'read-only')
  mkdirSync(folder)
  const path = await filled(join(folder, 'tidemark.db'))
  chmodSync(directory, 0o755)
  chmodSync(path, 0o444)
  chmodSync(folder, 0o555)
  try {
    assert.equal(asNobody(path, 'read'), '1')
    assert.equal(asNobody(path, 'write'), 'STORE_DENIED')
    assert.equal(asNobody(join(folder, 'new.db'), 'write'), 'STORE_DENIED')
    chmodSync(path, 0o000)
    assert.equal(asNobody(path, 'read'), 'STORE_DENIED')
    assert.deepEqual(readdirSync(folder), ['tidemark.db'])
  } finally {
    chmodSync(folder, 0o755)
  }
})

test('a lock that another program holds is waited for, and then named', async () => {
  const path = await filled()
  await using store = await openStore(`sqlite:${path}`, { timeoutMs: 600 })
  const other = new DatabaseSync(path)
  other.exec('BEGIN IMMEDIATE')
  await assert.rejects(put(store, 'billing', 8), hasCode('STORE_UNREACHABLE', /locked by another program.*group billing/))
  assert.equal(await offsetIn(path), 7)
  const release = setTimeout(() => other.exec('COMMIT'), 100)
  await put(store, 'billing', 8)
  clearTimeout(release)
  other.close()
})

test('a full disk is said to be full, and nothing of the save is applied', async () => {
  const path = fresh()
  const db = new DatabaseSync(path)
  db.exec('CREATE TABLE t (a); PRAGMA max_page_count = 3')
  const full = ((): unknown => {
    try {
      for (;;) db.exec(`INSERT INTO t VALUES ('${'x'.repeat(1_000)}')`)
    } catch (error) {
      return error
    }
  })()
  db.close()
  assert.ok(hasCode('STORE_UNREACHABLE', /disk is full; nothing was written.*Make room/)(storeError(full, path)))
})

test('a file that was removed or replaced while it was open takes no more saves', async () => {
  const path = fresh()
  await using store = await openStore(`sqlite:${path}`)
  await put(store, 'billing', 1)
  const copy = await filled()
  renameSync(copy, path)
  await assert.rejects(put(store, 'billing', 2), hasCode('STORE_NOT_FOUND', /moved, removed or replaced/))
  rmSync(path)
  await assert.rejects(put(store, 'billing', 2), hasCode('STORE_NOT_FOUND', /moved, removed or replaced/))
})

test('a row that was deleted and put again by others is not the one that was read', async () => {
  const path = await filled()
  await using store = await openStore(`sqlite:${path}`)
  const [before] = await store.load('billing')
  assert.ok(before)
  byHand(path, 'DELETE FROM positions')
  byHand(path, "INSERT INTO positions (group_name, topic, partition, committed_offset) VALUES ('billing', 'orders', 0, 7)")
  const [result] = await store.save('billing', [
    { ...before, expected: before.revision, position: { offset: 9 }, saveId: 'late', ledger: [] },
  ])
  assert.equal(result?.status, 'changed')
})

test('an offset that was emptied, not deleted, is absent with a trace', async () => {
  const path = fresh()
  await using store = await openStore(`sqlite:${path}`)
  const [custody] = await store.load('billing', [{ topic: 'orders', partition: 0 }])
  assert.ok(custody)
  await store.save('billing', [{ ...custody, expected: custody.revision, position: { offset: 5, topicId: 'id' }, saveId: 's', ledger: [] }])
  byHand(path, 'UPDATE positions SET committed_offset = NULL')
  const [found] = await store.load('billing')
  assert.deepEqual([found?.stored.state, found?.trace, found?.saveId], ['absent', 'sidecar', undefined])
})

test('no warning of node:sqlite’s reaches the user', async () => {
  const path = await filled()
  const { stdout, stderr } = spawnSync(process.execPath, [childFile, `sqlite:${path}`, 'read'], { encoding: 'utf8' })
  assert.deepEqual([stdout, stderr], ['1\n', ''])
})

test('a copy of the files beside a running writer is a store', async () => {
  const path = fresh()
  await using store = await openStore(`sqlite:${path}`)
  await put(store, 'billing', 3)
  const copy = fresh()
  for (const suffix of ['', '-wal']) copyFileSync(`${path}${suffix}`, `${copy}${suffix}`)
  assert.equal(await offsetIn(copy), 3)
})

async function filledAt(url: string): Promise<void> {
  await using store = await openStore(url)
  await put(store, 'billing', 7)
}

/** What a process without privileges sees; for root, by way of another user, because root may do anything. */
function asNobody(path: string, job: 'read' | 'write'): string {
  const env = process.getuid?.() === 0 ? { ...process.env, AS_USER: '65534' } : process.env
  return spawnSync(process.execPath, [childFile, `sqlite:${path}`, job], { encoding: 'utf8', env }).stdout.trim()
}

/** The tables as version 1 had them, which knew of no assumed identity. */
const AS_VERSION_1 = `
DROP TRIGGER offset_moved;
ALTER TABLE positions DROP COLUMN assumed_since;
CREATE TRIGGER offset_moved AFTER UPDATE OF committed_offset ON positions
WHEN NEW.revision = OLD.revision AND NEW.committed_offset IS NOT OLD.committed_offset AND NEW.committed_offset IS NOT NULL
BEGIN
  UPDATE positions
  SET leader_epoch = NULL, epochs = NULL, topic_id = NULL, cluster_id = NULL, record_time = NULL, commit_time = NULL, committed_by = NULL,
    planned_from = NULL, planned_until = NULL
  WHERE id = NEW.id;
END;
PRAGMA user_version = 1;
`

test('tables of version 1 are read as they are, and brought up to date by the first that writes', async () => {
  const path = await filled()
  byHand(path, AS_VERSION_1)
  assert.equal(await offsetIn(path, 'read'), 7)
  assert.equal(await offsetIn(path, 'write'), 7)
  await using store = await openStore(`sqlite:${path}`)
  const [custody] = await store.load('billing')
  assert.ok(custody)
  const position = { offset: 7, topicId: 't', assumedSince: 1_763_000_000_000 }
  await store.save('billing', [{ ...custody, expected: custody.revision, position, saveId: 'adopted', ledger: [] }])
  const [adopted] = await store.load('billing')
  assert.deepEqual(adopted && positionOf(adopted), position)
  byHand(path, 'UPDATE positions SET committed_offset = 8')
  const [moved] = await store.load('billing')
  assert.deepEqual(moved && positionOf(moved), { offset: 8 }, 'another program’s move takes the assumption away')
})
