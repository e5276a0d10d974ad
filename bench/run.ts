import { join } from 'node:path'
import type { Benchmark, Settings } from './benchmark.ts'
import { built, type Built } from './built.ts'
import { java, javaProcess, kafkajs, tidemark, tidemarkProcess, type Topic } from './contenders.ts'
import { fillWithCopies, fillWithJava, PARTITIONS } from './fill.ts'
import { alternate } from './measure.ts'
import { startBroker } from './servers.ts'
import type { Table, Unit } from './table.ts'

const speed: Unit = { name: 'thousand records/s', digits: 0, better: 'more' }
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

/** A job beside Java's consumer perf tool and kafkajs: each in a process of its own, from its first fetch to its last save. */
export const run: Benchmark = async (settings) => {
  const form = await built(settings)
  settings.say('starting a broker')
  await using kafka = await startBroker()
  const small = await filled(settings, () => fillWithCopies(kafka.bootstrapServers, 'small', { records: settings.records, valueSize: 100 }))
  return [await handlers(small, form, settings), await processes(small, form, settings)]
}

/** The same with other records: larger ones, and batches as Java's producer compresses them. */
export const codecs: Benchmark = async (settings) => {
  const form = await built(settings)
  settings.say('starting a broker')
  await using kafka = await startBroker()
  const servers = kafka.bootstrapServers
  const large = await filled(settings, () => fillWithCopies(servers, 'large', { records: settings.records / 5, valueSize: 1000 }))
  const tables = [await besideJava(title(large, '1,000'), large, form, settings)]
  for (const codec of CODECS) {
    const topic = await filled(settings, () =>
      fillWithJava(servers, `codec-${codec}`, codec, { records: settings.records, valueSize: 100 }),
    )
    tables.push(
      await besideJava(`${title(topic, '100')}, compression.type=${codec}, as Java's producer batches them`, topic, form, settings),
    )
  }
  return tables
}

async function filled(settings: Settings, fill: () => Promise<Topic>): Promise<Topic> {
  settings.say('filling a topic')
  return fill()
}

/** What a handler may do, each beside Java and kafkajs. */
async function handlers(topic: Topic, { library }: Built, settings: Settings): Promise<Table> {
  const task = { ...topic, library }
  const measured = await alternate(
    {
      nothing: tidemark('Tidemark, a handler that does nothing', { ...task, how: 'nothing' }),
      large: tidemark('the same with --max-records 100000', { ...task, how: 'nothing', maxRecords: 100_000 }),
      touch: tidemark('Tidemark, a handler that looks at a byte of each value', { ...task, how: 'touch' }),
      batches: tidemark('the same by `for await` over `read()`', { ...task, how: 'batches' }),
      java: java(topic),
      kafkajs: kafkajs(topic),
    },
    settings,
  )
  const beside = (targets: number[], ofKafkajs: number[] = []) => [
    { measured: measured.java, called: 'Java', kind: 'speed-up' as const, targets },
    { measured: measured.kafkajs, called: 'kafkajs', kind: 'speed-up' as const, targets: ofKafkajs },
  ]
  return {
    title: `run: ${title(topic, '100')}`,
    unit: speed,
    rows: [
      { measured: measured.nothing, beside: beside([1.5, 2], [6]) },
      { measured: measured.large, beside: beside([]) },
      { measured: measured.touch, beside: beside([1.2, 1.5]) },
      { measured: measured.batches, beside: beside([]) },
      { measured: measured.java },
      { measured: measured.kafkajs },
    ],
  }
}

/** The command line beside Java's tool, start to exit. */
async function processes(topic: Topic, { bin }: Built, settings: Settings): Promise<Table> {
  const command = tidemarkProcess('`tidemark run --handler noop.mjs --until-end`', bin, join(import.meta.dirname, 'noop.mjs'), topic)
  const { ours, theirs } = await alternate({ ours: command, theirs: javaProcess(topic) }, settings)
  return {
    title: `run: ${title(topic, '100')}, whole processes`,
    unit: { name: 's', digits: 2, better: 'less' },
    rows: [{ measured: ours, beside: [{ measured: theirs, called: 'Java', kind: 'speed-up', targets: [1.2] }] }, { measured: theirs }],
  }
}

/** A handler that does nothing, and one that looks at each value, beside Java. */
async function besideJava(name: string, topic: Topic, { library }: Built, settings: Settings): Promise<Table> {
  const task = { ...topic, library }
  const { nothing, touch, theirs } = await alternate(
    {
      nothing: tidemark('Tidemark, a handler that does nothing', { ...task, how: 'nothing' }),
      touch: tidemark('Tidemark, a handler that looks at a byte of each value', { ...task, how: 'touch' }),
      theirs: java(topic),
    },
    settings,
  )
  const beside = [{ measured: theirs, called: 'Java', kind: 'speed-up' as const, targets: [1] }]
  return { title: `run: ${name}`, unit: speed, rows: [{ measured: nothing, beside }, { measured: touch, beside }, { measured: theirs }] }
}

function title({ records }: Topic, size: string): string {
  return `${records.toLocaleString('en-US')} records of ${size} bytes in ${PARTITIONS} partitions`
}
