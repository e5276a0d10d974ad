// A job that is exactly once: node transaction-worker.ts BOOTSTRAP STORE GROUP TOPIC [until-end]
// Writes each record's value to the table `sink` in the transaction of its offsets, and prints a line per batch.
import type { DatabaseSync } from 'node:sqlite'
import { connect, openStore, run } from '../../src/index.ts'

const [bootstrapServers = '', storeUrl = '', group = '', topic = '', until = ''] = process.argv.slice(2)
await using kafka = await connect({ bootstrapServers })
await using store = await openStore(storeUrl)
await run(kafka, store, {
  group,
  topics: [topic],
  maxRecords: 8,
  ...(until === 'until-end' ? { untilEnd: true } : { maxRecordsPerSecond: 400 }),
  transaction: true,
  handler: ({ records }, { transaction }) => {
    const insert = (transaction as DatabaseSync).prepare('INSERT INTO sink (id) VALUES (?)')
    for (const { value } of records) insert.run(String(value))
    process.stdout.write('handled\n')
  },
})
