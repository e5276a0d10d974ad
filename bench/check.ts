import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Benchmark, Settings } from './benchmark.ts'
import { built } from './built.ts'
import { runTool } from './java.ts'
import { commitEverywhere, fillTopics, PARTITIONS_EACH, storeEverywhere, TOPICS } from './many-partitions.ts'
import { alternate, type Sample } from './measure.ts'
import { runProcess, type Finished } from './process.ts'
import { startBroker } from './servers.ts'

const GROUP = 'bench'
const COUNT = TOPICS.length * PARTITIONS_EACH

/** `check` of ten thousand partitions beside Kafka's own tools, whole processes. */
export const check: Benchmark = async (settings) => {
  const { bin } = await built(settings)
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-bench-'))
  const store = `sqlite:${join(folder, 'tidemark.db')}`
  settings.say(`starting a broker with ${COUNT.toLocaleString('en-US')} partitions`)
  await using kafka = await startBroker()
  try {
    await fillTopics(kafka.bootstrapServers, settings.say)
    await storeEverywhere(store, kafka.bootstrapServers, GROUP)
    await commitEverywhere(kafka.bootstrapServers, GROUP)
    return [await compare(bin, kafka.bootstrapServers, store, settings)]
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function compare(bin: string, servers: string, store: string, settings: Settings) {
  const bootstrap = ['--bootstrap-server', servers]
  const ours = ['check', ...bootstrap, '--store', store, '--group', GROUP]
  const { text, json, shell, groups } = await alternate(
    {
      text: { name: '`tidemark check`', run: async () => lines(await runProcess(process.execPath, [bin, ...ours])) },
      json: {
        name: '`tidemark check -o json`',
        run: async () => objects(await runProcess(process.execPath, [bin, ...ours, '-o', 'json'])),
      },
      shell: {
        name: 'GetOffsetShell',
        run: async () => lines(await runTool('GetOffsetShell', [...bootstrap, '--exclude-internal-topics'])),
      },
      groups: {
        name: 'ConsumerGroupCommand --describe',
        run: async () => lines(await runTool('ConsumerGroupCommand', [...bootstrap, '--describe', '--group', GROUP])),
      },
    },
    settings,
  )
  const beside = [shell, groups].map((measured) => ({ measured, called: measured.name, kind: 'speed-up' as const, targets: [2, 3] }))
  return {
    title: `check: ${COUNT.toLocaleString('en-US')} partitions in ${TOPICS.length} topics, whole processes`,
    unit: { name: 'ms', digits: 0, better: 'less' as const },
    rows: [{ measured: text, beside }, { measured: json, beside }, { measured: shell }, { measured: groups }],
    notes: [
      'Tidemark compares what is stored with the log start, the log end, the topic ID and the leader epoch of each partition; GetOffsetShell asks for the log ends alone, ConsumerGroupCommand for the log ends and its own group.',
    ],
  }
}

/** A line for each partition, or it did not do what it was asked. */
function lines({ stdout, ms, peakMb }: Finished): Sample {
  return counted(stdout.match(/^.*topic-\d+\W.*$/gm)?.length ?? 0, ms, peakMb)
}

function objects({ stdout, ms, peakMb }: Finished): Sample {
  return counted(stdout.match(/"verdict": ?"valid"/g)?.length ?? 0, ms, peakMb)
}

function counted(found: number, ms: number, peakMb: number | undefined): Sample {
  if (found !== COUNT) throw new Error(`${found} partitions were shown, and ${COUNT} were asked for`)
  return { value: ms, peakMb }
}
