// node latency-worker.mjs WATCH: a job that measures how old records are when its handler sees them.
import { Latency } from './latency.mjs'

/** @type {import('./flow.ts').Watch} */
const watch = JSON.parse(process.argv[2] ?? '')
/** @type {typeof import('../src/index.ts')} */
const { connect, openStore, run } = await import(watch.library)
await using kafka = await connect({ bootstrapServers: watch.bootstrapServers })
await using store = await openStore(watch.store)
const latency = new Latency(watch.settleMs)
await run(kafka, store, {
  group: 'bench',
  topics: [watch.topic],
  policy: { missing: 'latest' },
  signal: AbortSignal.timeout(watch.settleMs + watch.measureMs),
  handler: ({ records }) => {
    for (const { value } of records) latency.saw(value)
  },
})
console.log(String(latency))
