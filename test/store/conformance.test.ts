import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { startZooKeeper } from '../../lab/zookeeper.ts'
import type { TopicPartition } from '../../src/core/position.ts'
import { openMemory } from '../../src/store/memory.ts'
import { openSqlite } from '../../src/store/sqlite.ts'
import { openZookeeper } from '../../src/store/zookeeper/driver.ts'
import { pathsUnder } from '../../src/store/zookeeper/paths.ts'
import { Session } from '../../src/store/zookeeper/session.ts'
import { storeConformance } from '../../src/testing/index.ts'

const memoryUrl = 'memory:conformance'

storeConformance({
  name: 'memory',
  test,
  capabilities: { durable: false, shared: false, anyGroupName: true, bareNumber: false, transactions: false },
  open: () => openMemory(memoryUrl),
  reopen: () => openMemory('memory:'),
  plant: async (group, partition, text) => (await openMemory(memoryUrl)).tamper(group, partition, text),
  erase: async (group, partition) => (await openMemory(memoryUrl)).tamper(group, partition, undefined),
})

const directory = mkdtempSync(join(tmpdir(), 'tidemark-conformance-'))
after(() => rmSync(directory, { recursive: true }))
const file = join(directory, 'tidemark.db')

/** As a person with the sqlite3 shell would. */
function byHand(sql: string, group: string, { topic, partition }: TopicPartition, ...values: string[]): void {
  const db = new DatabaseSync(file, { timeout: 1_000 })
  db.prepare(`${sql} WHERE group_name = ? AND topic = ? AND partition = ?`).run(...values, group, topic, partition)
  db.close()
}

storeConformance({
  name: 'sqlite',
  test,
  capabilities: { durable: true, shared: true, anyGroupName: true, bareNumber: false, transactions: true },
  open: () => openSqlite(`sqlite:${file}`, { mode: 'write', timeoutMs: 10_000 }),
  reopen: () => openSqlite(`sqlite:${file}`, { mode: 'read', timeoutMs: 10_000 }),
  plant: async (group, partition, text) => byHand('UPDATE positions SET committed_offset = ?', group, partition, text),
  erase: async (group, partition) => byHand('DELETE FROM positions', group, partition),
})

const server = await startZooKeeper()
const paths = pathsUnder('')
const stranger = new Session({ servers: [{ host: '127.0.0.1', port: server.port }], sessionTimeout: 10_000, timeoutMs: 10_000 })
after(async () => {
  await stranger.close()
  await server.close()
})

storeConformance({
  name: 'zookeeper',
  test,
  capabilities: { durable: true, shared: true, anyGroupName: false, bareNumber: true, transactions: false },
  open: () => openZookeeper(`zookeeper://${server.connectString}`, { mode: 'write', timeoutMs: 10_000 }),
  plant: async (group, partition, text) => void (await stranger.set(paths.value(group, partition), Buffer.from(text))),
  erase: (group, partition) => stranger.remove(paths.value(group, partition)),
})
