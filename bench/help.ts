import type { Benchmark } from './benchmark.ts'
import { built } from './built.ts'
import { alternate, type Sample } from './measure.ts'
import { runProcess } from './process.ts'

/** Starts of the same process in one round: a single one is too short to be measured well. */
const STARTS = 10

/** `tidemark --help` beside a Node that does nothing, whole processes. */
export const help: Benchmark = async (settings) => {
  const { bin } = await built(settings)
  const { ours, node } = await alternate(
    {
      ours: { name: '`tidemark --help`', run: () => start([bin, '--help']) },
      node: { name: '`node -e 0`', run: () => start(['-e', '0']) },
    },
    settings,
  )
  return [
    {
      title: `help: \`tidemark --help\`, whole processes, the mean of ${STARTS}`,
      unit: { name: 'ms', digits: 0, better: 'less' },
      rows: [{ measured: ours, beside: [{ measured: node, called: 'Node alone', kind: 'cost', targets: [3] }] }, { measured: node }],
    },
  ]
}

async function start(args: readonly string[]): Promise<Sample> {
  let ms = 0
  for (let count = 0; count < STARTS; count++) ms += (await runProcess(process.execPath, args)).ms
  return { value: ms / STARTS }
}
