import { join } from 'node:path'
import { STEADY_HEAP } from '../src/cli/steady-heap.ts'
import type { Benchmark } from './benchmark.ts'
import { built } from './built.ts'
import { tidemark, tidemarkProcess, type Topic } from './contenders.ts'
import { fillWithCopies } from './fill.ts'
import { alternate, median, type Contender, type Measured } from './measure.ts'
import { startBroker } from './servers.ts'

/** The peak of a job's memory over a backlog and over one ten times as long: of the command line, and of a program of one's own as Node makes it and with the same steady heap. */
export const memory: Benchmark = async (settings) => {
  const { bin, library } = await built(settings)
  settings.say('starting a broker')
  await using kafka = await startBroker()
  settings.say('filling two topics')
  const short = await fillWithCopies(kafka.bootstrapServers, 'short', { records: settings.records, valueSize: 100 })
  const long = await fillWithCopies(kafka.bootstrapServers, 'long', { records: settings.records * 10, valueSize: 100 })
  const handler = join(import.meta.dirname, 'touch.mjs')
  const command = (topic: Topic): Contender => tidemarkProcess(`\`tidemark run\`, ${backlog(topic)}`, bin, handler, topic)
  const program = (topic: Topic, ...nodeOptions: string[]): Contender =>
    tidemark([`\`${['node', ...nodeOptions].join(' ')}\``, backlog(topic)].join(', '), { ...topic, library, how: 'touch' }, nodeOptions)
  const commands = await alternate({ short: command(short), long: command(long) }, settings)
  const programs = await alternate(
    { short: program(short), long: program(long), shortSteady: program(short, ...STEADY_HEAP), longSteady: program(long, ...STEADY_HEAP) },
    settings,
  )
  return [
    {
      title: 'memory: `tidemark run`, start to exit (to reach: under 200 MB, and flat)',
      unit: { name: 's', digits: 2, better: 'less' },
      rows: Object.values(commands).map((measured) => ({ measured })),
      notes: [`The longer backlog's median peak is ${compare(commands.long, commands.short)} the shorter one's.`],
    },
    {
      title: 'memory: a program of its own that calls `run`',
      unit: { name: 'thousand records/s', digits: 0, better: 'more' },
      rows: Object.values(programs).map((measured) => ({ measured })),
      notes: [
        `The longer backlog's median peak is ${compare(programs.long, programs.short)} the shorter one's, and with a steady heap ${compare(programs.longSteady, programs.shortSteady)}.`,
      ],
    },
  ]
}

function backlog({ records }: Topic): string {
  return `${records.toLocaleString('en-US')} records`
}

function compare(long: Measured, short: Measured): string {
  return `${(median(long.peaksMb) / median(short.peaksMb)).toFixed(2)}×`
}
