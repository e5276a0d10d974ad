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
  capabilities: {
    durable: false,
    shared: false,
    anyGroupName: true,
    bareNumber: false,
    transactions: false,
    progress: true,
    members: true,
    compareAndSet: true,
    groups: true,
  },
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
  capabilities: {
    durable: true,
    shared: true,
    anyGroupName: true,
    bareNumber: false,
    transactions: true,
    progress: true,
    members: true,
    compareAndSet: true,
    groups: true,
  },
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
  capabilities: {
    durable: true,
    shared: true,
    anyGroupName: false,
    bareNumber: true,
    transactions: false,
    progress: true,
    members: true,
    compareAndSet: true,
    groups: true,
  },
  open: () => openZookeeper(`zookeeper://${server.connectString}`, { mode: 'write', timeoutMs: 10_000 }),
  plant: async (group, partition, text) => void (await stranger.set(paths.value(group, partition), Buffer.from(text))),
  erase: (group, partition) => stranger.remove(paths.value(group, partition)),
})

/** As the old job would: it writes the whole string. */
async function rewrite(group: string, { topic, partition }: TopicPartition, entry: string[]): Promise<void> {
  const path = `/spark/offsets/${group}/${topic}`
  const entries = (await stranger.get(path))?.data.toString('latin1').split(',') ?? []
  const others = entries.filter((text) => !text.startsWith(`${partition}:`))
  const text = [...others, ...entry].join(',')
  if (text === '') await stranger.remove(path)
  else await stranger.set(path, Buffer.from(text, 'latin1'))
}

storeConformance({
  name: 'zookeeper per-topic',
  test,
  capabilities: {
    durable: true,
    shared: true,
    anyGroupName: false,
    bareNumber: true,
    transactions: false,
    progress: true,
    members: true,
    compareAndSet: true,
    groups: true,
  },
  open: () => openZookeeper(`zookeeper://${server.connectString}?layout=per-topic`, { mode: 'write', timeoutMs: 10_000 }),
  plant: (group, partition, text) => rewrite(group, partition, [`${partition.partition}:${text}`]),
  erase: (group, partition) => rewrite(group, partition, []),
})
