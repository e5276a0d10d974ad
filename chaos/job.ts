// The job that the faults happen to, a process of its own: node chaos/job.ts BOOTSTRAP STORE NAME SINK SLOT
// It handles a record by appending `handled LIFE partition offset id` to the file SINK, before its offsets are saved; before the records of a batch
// comes `batch LIFE partition…`.
import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { asTidemarkError, isUnreachable } from '../src/errors.ts'
import { connect, openStore, run } from '../src/index.ts'
import type { HandlerBatch } from '../src/index.ts'

const [bootstrapServers = '', storeUrl = '', name = '', sink = '', slot = ''] = process.argv.slice(2)
const life = `${slot}${process.pid}`
const stop = new AbortController()
process.on('SIGTERM', () => stop.abort())

/** An id that the handler fails to write down: only so that a test sees the account fail. */
const forgotten = process.env['TIDEMARK_CHAOS_FORGETS']

/** The work takes a while now and then, so that a kill comes between it and its save. */
const WORK_MS = 60

async function handler({ records, ranges }: HandlerBatch): Promise<void> {
  const all = [...records].map(({ partition, offset, value }) => ({ partition, offset, id: String(value) }))
  const lines = all
    .filter(({ id }) => id !== forgotten)
    .map(({ partition, offset, id }) => `handled ${life} ${partition} ${offset} ${id}\n`)
  appendFileSync(sink, `batch ${life} ${ranges.map(({ partition }) => partition).join(' ')}\n${lines.join('')}`)
  if (Math.random() < 0.5) await sleep(Math.random() * WORK_MS)
}

/** A job may be started while the other side is away. */
async function whenThere<T>(open: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await open()
    } catch (error) {
      if (!isUnreachable(error) || stop.signal.aborted) throw error
    }
    await sleep(250)
  }
}

appendFileSync(sink, `begun ${life}\n`)
console.log(`begun ${life}`)
try {
  await using log = await whenThere(() => connect({ bootstrapServers }))
  await using store = await whenThere(() => openStore(storeUrl))
  await run(log, store, {
    group: name,
    topics: [name],
    maxRecords: 20,
    refreshMs: 2_000,
    handler,
    signal: stop.signal,
    onNotice: ({ kind, text }) => console.log(`${new Date().toISOString()} ${life} ${kind}: ${text}`),
  })
  appendFileSync(sink, `ended ${life} ${stop.signal.aborted ? 'as told' : 'by itself'}\n`)
} catch (error) {
  const { code, message, stack } = asTidemarkError(error)
  console.log(stack)
  appendFileSync(sink, `ended ${life} ${code}${stop.signal.aborted ? ' as told' : ''} ${message.replaceAll('\n', ' ')}\n`)
  process.exitCode = 1
}
