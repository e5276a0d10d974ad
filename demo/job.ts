// The demo's job, a process of its own so that kill -9 is real: node demo/job.ts BOOTSTRAP|memory STORE SINK [--until-end] [--gated]
// It handles an order by appending its id, with where it lay in the log, to the file SINK.
import { appendFileSync } from 'node:fs'
import { on } from 'node:events'
import { parseArgs } from 'node:util'
import { connect, openStore, run } from '../src/index.ts'
import type { HandlerBatch, OffsetRange } from '../src/index.ts'
import { goOn } from './go-on.ts'
import { openFaultySqlite } from './faulty-sqlite.ts'
import { remoteLog } from './remote-log.ts'

/** What the job tells the demo. `worked`: the orders of these ranges are handled, and their offsets not saved yet. `wrote`: so many writes went to the store, as far as that is not seen from outside. */
export type Told = { worked: readonly OffsetRange[] } | { notice: string } | { failed: string } | { wrote: number }

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { 'until-end': { type: 'boolean', default: false }, gated: { type: 'boolean', default: false } },
})
const [bootstrapServers = '', storeUrl = '', sink = ''] = positionals

/** An id that the handler fails to write down: only so that a test sees the closing account fail. */
const forgotten = process.env['TIDEMARK_DEMO_FORGETS']

function tell(told: Told): void {
  if (process.connected) process.send?.(told)
}

/** The work. With --gated it then waits for the demo's word before the offsets are saved. */
async function handler({ records, ranges }: HandlerBatch): Promise<void> {
  const orders = [...records].map(({ value, partition, offset }) => ({ id: String(value), partition, offset }))
  const lines = orders.filter(({ id }) => id !== forgotten).map((order) => `${JSON.stringify(order)}\n`)
  appendFileSync(sink, lines.join(''), { flush: true })
  tell({ worked: ranges })
  if (values.gated) await word()
}

/** The demo's word to go on; the channel carries other things too. */
async function word(): Promise<void> {
  for await (const [message] of on(process, 'message')) if (message === goOn) return
}

/** Kafka and ZooKeeper, or the log in the demo's memory and a file. */
const isInMemory = bootstrapServers === 'memory'
const stop = new AbortController()
process.on('SIGTERM', () => stop.abort())
// A Ctrl-C in the terminal reaches this process too, but when it ends is up to the demo.
process.on('SIGINT', () => undefined)
const orphaned = (): void => process.exit(1)
process.on('disconnect', orphaned)

try {
  await using log = isInMemory ? remoteLog() : await connect({ bootstrapServers })
  await using store = await openStore(isInMemory ? await openFaultySqlite(storeUrl, (wrote) => tell({ wrote })) : storeUrl)
  await run(log, store, {
    group: 'billing',
    topics: ['orders'],
    maxRecords: 10,
    untilEnd: values['until-end'],
    handler,
    signal: stop.signal,
    onNotice: ({ text }) => tell({ notice: text }),
  })
} catch (error) {
  tell({ failed: error instanceof Error ? error.message : String(error) })
  process.exitCode = 1
} finally {
  process.off('disconnect', orphaned)
  if (process.connected) process.disconnect()
}
