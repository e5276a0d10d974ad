import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LabAdmin } from '../lab/admin.ts'
import type { Benchmark, Settings } from './benchmark.ts'
import { built } from './built.ts'
import { withStore } from './contenders.ts'
import type { Flow, Watch } from './flow.ts'
import { alternate, type Measured, type Sample } from './measure.ts'
import { runProcess } from './process.ts'
import { startBroker } from './servers.ts'
import type { Table } from './table.ts'

const times = { settleMs: 5000, measureMs: 15_000 }

/** From being sent to being seen by the handler: many partitions with a trickle each, and one hot partition among cold ones. */
export const spread: Benchmark = (settings) => inMemory(() => measure(settings))

async function measure(settings: Settings): Promise<Table[]> {
  const { library } = await built(settings)
  const flows = [
    { topic: 'trickle', partitions: 1000, hotPerSecond: 0, title: '1,000 partitions, a record a second in each' },
    { topic: 'hot', partitions: 101, hotPerSecond: 100_000, title: 'a record a second in each of 100 partitions, beside one with 100,000' },
  ]
  const tables = []
  for (const { title, ...shape } of flows) {
    settings.say(`starting a broker for ${title}`)
    await using kafka = await startBroker()
    await using admin = new LabAdmin(kafka.bootstrapServers)
    await admin.createTopic(shape.topic, { partitions: shape.partitions })
    tables.push(await compare(title, { ...shape, bootstrapServers: kafka.bootstrapServers }, library, settings))
  }
  return tables
}

/** Keeps files in memory, on Linux: on a disk the kernel's write-back of a thousand small logs stops the broker's appends for seconds, whoever reads them. */
async function inMemory<T>(work: () => Promise<T>): Promise<T> {
  const [memory, disk] = ['/dev/shm', tmpdir()]
  if (existsSync(memory)) process.env['TMPDIR'] = memory
  try {
    return await work()
  } finally {
    process.env['TMPDIR'] = disk
  }
}

async function compare(title: string, flow: Flow, library: string, settings: Settings): Promise<Table> {
  const producer = spawn(process.execPath, [join(import.meta.dirname, 'trickle.mjs'), JSON.stringify(flow)], { stdio: 'inherit' })
  try {
    const { ours, theirs } = await alternate(
      {
        ours: { name: 'Tidemark', run: () => withStore((store) => watch('latency-worker.mjs', { ...flow, ...times, library, store })) },
        theirs: { name: 'kafkajs, `eachBatch`', run: () => watch('kafkajs-latency-worker.mjs', { ...flow, ...times, library, store: '' }) },
      },
      settings,
    )
    const [p50, p99] = [theirs, worst(theirs)]
    return {
      title: `spread: ${title}: how old the records are when the handler sees them`,
      unit: { name: 'ms', digits: 1, better: 'less' },
      rows: [
        { measured: named('Tidemark, p50', ours), beside: [{ measured: p50, called: 'kafkajs', kind: 'cost', targets: [] }] },
        { measured: named('kafkajs, p50', p50) },
        { measured: named('Tidemark, p99', worst(ours)), beside: [{ measured: p99, called: 'kafkajs', kind: 'cost', targets: [] }] },
        { measured: named('kafkajs, p99', p99) },
      ],
    }
  } finally {
    producer.kill()
  }
}

async function watch(file: string, task: Watch): Promise<Sample> {
  const { stdout } = await runProcess(process.execPath, [join(import.meta.dirname, file), JSON.stringify(task)])
  const { count, p50, p99 } = JSON.parse(stdout) as { count: number; p50: number; p99: number }
  const sent = (task.partitions * task.measureMs) / 1000
  // kafkajs falls ever further behind a thousand partitions: that is what its latency shows.
  if (count < (task.store === '' ? 1 : sent / 2)) throw new Error(`${count} records were seen, and about ${sent} were sent`)
  return { value: p50, p99 }
}

function worst({ name, p99s }: Measured): Measured {
  return { name, values: p99s, p99s: [], peaksMb: [] }
}

function named(name: string, measured: Measured): Measured {
  return { ...measured, name }
}
