import type { Benchmark } from './benchmark.ts'
import { built } from './built.ts'
import { tidemark, type Topic } from './contenders.ts'
import { fillWithCopies } from './fill.ts'
import { alternate, type Contender } from './measure.ts'
import { startBroker } from './servers.ts'

/** By default V8 lets what is young grow to twice 32 MB; in a container that is to be small it need not. */
const SMALL = '--max-semi-space-size=4'

/** The peak of a job's memory over a backlog and over one ten times as long, as V8 manages it and with a young generation that is kept small. */
export const memory: Benchmark = async (settings) => {
  const { library } = await built(settings)
  settings.say('starting a broker')
  await using kafka = await startBroker()
  settings.say('filling two topics')
  const short = await fillWithCopies(kafka.bootstrapServers, 'short', { records: settings.records, valueSize: 100 })
  const long = await fillWithCopies(kafka.bootstrapServers, 'long', { records: settings.records * 10, valueSize: 100 })
  const contender = (topic: Topic, ...nodeOptions: string[]): Contender => {
    const name = [`a backlog of ${topic.records.toLocaleString('en-US')} records`, ...nodeOptions.map((option) => `node ${option}`)].join(
      ', ',
    )
    return tidemark(name, { ...topic, library, how: 'touch' }, nodeOptions)
  }
  const measured = await alternate(
    { short: contender(short), long: contender(long), shortSmall: contender(short, SMALL), longSmall: contender(long, SMALL) },
    settings,
  )
  return [
    {
      title: 'memory: the whole process at full speed (to reach: under 200 MB, and the same for both)',
      unit: { name: 'thousand records/s', digits: 0, better: 'more' },
      rows: Object.values(measured).map((one) => ({ measured: one })),
    },
  ]
}
