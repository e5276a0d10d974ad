// node worker.mjs TASK, a job in a process of its own: reads a topic to its end and prints what that took, as JSON. JavaScript, because the types' removal alone
// takes 20 MB, and the peak of memory is measured too.
import { readFileSync } from 'node:fs'
import touch from './touch.mjs'

/** @typedef {import('./contenders.ts').Task} Task */

/** @type {Task} */
const task = JSON.parse(process.argv[2] ?? '')
/** @type {typeof import('../src/index.ts')} */
const { connect, openStore, read, run } = await import(task.library)

await using kafka = await connect({ bootstrapServers: task.bootstrapServers })
await using store = await openStore(task.store)
// The reader sends its first fetch just before the job says that it has started.
let start = 0
const options = {
  group: 'bench',
  topics: [task.topic],
  untilEnd: true,
  maxRecords: task.maxRecords,
  onNotice: (/** @type {import('../src/index.ts').Notice} */ { kind }) => void (kind === 'started' && (start = performance.now())),
}
let records = 0
if (task.how === 'batches') {
  for await (const batch of read(kafka, store, options)) {
    touch(batch)
    records += batch.recordCount
    await batch.done()
  }
} else {
  const handler = task.how === 'touch' ? touch : () => {}
  ;({ records } = await run(kafka, store, { ...options, handler }))
}
const ms = performance.now() - start
const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))
console.log(JSON.stringify({ records, ms, peakMb: Number(peak?.[1]) / 1024 }))
