// A job in a process of its own, for tests that kill it: node worker.ts BOOTSTRAP STORE GROUP TOPIC FILE [PAUSE-MS]
// Appends `topic-partition offset value` of each record to FILE, then waits PAUSE-MS, all before the offsets are saved.
import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, openStore, run } from '../../src/index.ts'

const [bootstrapServers = '', storeUrl = '', group = '', topic = '', file = '', pause = '0'] = process.argv.slice(2)
const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())
await using kafka = await connect({ bootstrapServers })
await using store = await openStore(storeUrl)
await run(kafka, store, {
  group,
  topics: [topic],
  maxRecords: 20,
  signal: stop.signal,
  onNotice: ({ kind, text }) => console.log(`${kind}: ${text}`),
  handler: async ({ records, ranges }) => {
    appendFileSync(file, [...records].map((record) => `${record.topic}-${record.partition} ${record.offset} ${record.value}\n`).join(''))
    console.log(`handled: ${JSON.stringify(ranges)}`)
    await sleep(Number(pause))
  },
})
