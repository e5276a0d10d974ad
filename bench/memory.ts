import type { Benchmark } from './benchmark.ts'
import { built } from './built.ts'
import { tidemark } from './contenders.ts'
import { fillWithCopies } from './fill.ts'
import { alternate } from './measure.ts'
import { startBroker } from './servers.ts'

/** The peak of a job's memory over a backlog and over one ten times as long. */
export const memory: Benchmark = async (settings) => {
  const { library } = await built(settings)
  settings.say('starting a broker')
  await using kafka = await startBroker()
  settings.say('filling two topics')
  const short = await fillWithCopies(kafka.bootstrapServers, 'short', { records: settings.records, valueSize: 100 })
  const long = await fillWithCopies(kafka.bootstrapServers, 'long', { records: settings.records * 10, valueSize: 100 })
  const contender = (topic: typeof short) =>
    tidemark(`a backlog of ${topic.records.toLocaleString('en-US')} records`, { ...topic, library, how: 'touch' })
  const measured = await alternate({ short: contender(short), long: contender(long) }, settings)
  return [
    {
      title: 'memory: the whole process at full speed (to reach: under 200 MB, and the same for both)',
      unit: { name: 'thousand records/s', digits: 0, better: 'more' },
      rows: [{ measured: measured.short }, { measured: measured.long }],
    },
  ]
}
