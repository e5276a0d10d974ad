// A process that uses a SQLite store, for the tests that need more than one: `node sqlite-child.ts URL JOB [N]`.
import { randomUUID } from 'node:crypto'
import { positionOf } from '../../src/core/custody.ts'
// Loaded before the process becomes another user, who may not be allowed to read this folder.
import '../../src/store/sqlite.ts'
import { openStore } from '../../src/store/store.ts'

const [url = '', job = '', times = '0'] = process.argv.slice(2)
const partitions = [0, 1, 2, 3, 4, 5, 6, 7].map((partition) => ({ topic: 'orders', partition }))

/** Adds 1 to one offset as often as that, in competition with whoever does the same. */
async function increment(): Promise<void> {
  await using store = await openStore(url)
  for (let done = 0; done < Number(times);) {
    const [custody] = await store.load('race', partitions.slice(0, 1))
    if (custody === undefined) throw new Error('load gave nothing')
    const offset = (positionOf(custody)?.offset ?? 0) + 1
    const [result] = await store.save('race', [
      { ...custody, expected: custody.revision, position: { offset }, saveId: randomUUID(), ledger: [] },
    ])
    if (result?.status === 'saved') done += 1
  }
}

/** Saves the same offset to eight partitions again and again, with a ledger row each, and says which one was saved; until it is killed. */
async function saveForever(): Promise<void> {
  const store = await openStore(url)
  let found = await store.load('killed', partitions)
  for (let offset = (found[0] && positionOf(found[0])?.offset) ?? 0; ; offset += 1) {
    const writes = found.map((custody) => ({
      ...custody,
      expected: custody.revision,
      position: { offset },
      saveId: randomUUID(),
      ledger: [{ ...row, topic: custody.topic, partition: custody.partition, to: offset }],
    }))
    const results = await store.save('killed', writes)
    found = found.map((custody, index) => ({ ...custody, revision: revisionIn(results[index]) }))
    process.stdout.write(`${offset}\n`)
  }
}

const row = {
  at: 1,
  group: 'killed',
  verdict: 'expired',
  action: 'earliest',
  from: null,
  skipped: null,
  reread: 0,
  actor: 'child',
  evidence: [],
}

function revisionIn(result: { status: string; revision?: string } | undefined): string {
  if (result?.status !== 'saved' || result.revision === undefined) throw new Error(`a save was refused: ${JSON.stringify(result)}`)
  return result.revision
}

/** Opens and reads the store, and prints how many partitions it holds, or the error's code. */
async function read(mode: 'read' | 'write'): Promise<void> {
  try {
    await using store = await openStore(url, { mode })
    process.stdout.write(`${(await store.load('billing')).length}\n`)
  } catch (error) {
    process.stdout.write(`${String((error as { code?: unknown }).code)}\n`)
  }
}

if (process.env['AS_USER'] !== undefined) process.setuid?.(Number(process.env['AS_USER']))
if (job === 'increment') await increment()
else if (job === 'save-forever') await saveForever()
else await read(job === 'read' ? 'read' : 'write')
