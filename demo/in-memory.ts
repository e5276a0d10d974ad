import { mkdtempSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '../src/index.ts'
import { MemoryLog } from '../src/testing/index.ts'
import { serveLog } from './serve-log.ts'
import { group, partitions, topic, type Stage, type Words } from './stage.ts'
import { event } from './tell.ts'

const words: Words = {
  store: 'SQLite',
  log: 'the log',
  real: 'of which the kill -9 is real and the others are made by the demo, since its log is in memory',
  topicTool: 'demo, as kafka-topics.sh',
  retention: 'retention removes what is there (here the demo does)',
  willBreak: 'its write will fail just as it saves the offset (a file has no network to break, so the demo does it)',
  breaker: 'demo',
  broke: "the job's write failed",
  bare: 'the row of each partition holds a bare number',
  plainly: 'with plain SQL and nothing of Tidemark but its in-memory log',
}

/** The same without servers: a log in this process's memory, and an SQLite file that is as real as any. */
export async function openInMemory(): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-demo-'))
  const file = join(folder, 'tidemark.db')
  const log = new MemoryLog()
  const store = await openStore(`sqlite:${file}`)
  return {
    words,
    places: `the log: in memory   the store: ${file}`,
    topics: topicsOf(log),
    broker: { stop: async () => log.setDown(true), start: async () => log.setDown(false) },
    store,
    settings: { TIDEMARK_STORE: `sqlite:${file}` },
    log,
    jobArgs: ['memory', `sqlite:${file}`],
    sink: join(folder, 'handled.jsonl'),
    serve: (job) => serveLog(log, job),
    letRetentionPass: async () => partitions.forEach((partition) => expireAll(log, partition)),
    setByHand: async (partition, offset) => setByHand(file, partition, offset),
    loseWrite: (worker, part) => worker.loseWrite(part === 'request' ? 'lost' : 'after'),
    writesOf: (worker) => worker.writes,
    oldJob: {
      stored: async () => storedNumbers(file),
      read: async (offsets) => offsets.flatMap((offset, partition) => valuesFrom(log, partition, Number(offset))),
    },
    [Symbol.asyncDispose]: async () => {
      await store.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function topicsOf(log: MemoryLog): Stage['topics'] {
  const createTopic: Stage['topics']['createTopic'] = async (name, options) => log.createTopic(name, options?.partitions).topicId
  return {
    createTopic,
    recreateTopic: createTopic,
    produce: async (records) => {
      for (const { partition, value } of records) log.partition(topic, partition).append({ value })
    },
    offsets: async (name, partition) => {
      const { logStartOffset, logEndOffset } = log.partition(name, partition)
      return { start: logStartOffset, end: logEndOffset }
    },
  }
}

function expireAll(log: MemoryLog, partition: number): void {
  const found = log.partition(topic, partition)
  found.expire(found.logEndOffset)
  event('demo', `removed all records of ${topic}-${partition} below ${found.logStartOffset}`)
}

function setByHand(file: string, partition: number, offset: string): void {
  using database = new DatabaseSync(file)
  const sql = `UPDATE positions SET committed_offset = ${offset} WHERE topic = '${topic}' AND partition = ${partition}`
  database.exec(sql)
  event('sqlite3', sql)
}

function storedNumbers(file: string): { place: string; offset: string }[] {
  using database = new DatabaseSync(file, { readOnly: true })
  const rows = database
    .prepare('SELECT topic, partition, committed_offset AS offset FROM positions WHERE group_name = ? ORDER BY partition')
    .all(group)
  return rows.map((row) => ({ place: `${String(row['topic'])} ${String(row['partition'])}`, offset: String(row['offset']) }))
}

function valuesFrom(log: MemoryLog, partition: number, offset: number): string[] {
  const records = log.partition(topic, partition).batches.flatMap((batch) => batch.records)
  return records.filter((record) => record.offset >= offset).map(({ value }) => String(value))
}
