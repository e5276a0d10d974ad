import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runTool } from './java.ts'
import type { Contender, Sample } from './measure.ts'
import { runProcess } from './process.ts'

/** A topic to be read from its beginning to its end. */
export interface Topic {
  readonly bootstrapServers: string
  readonly topic: string
  readonly records: number
}

/** What Tidemark's handler does with a batch: nothing; `touch`: it looks at a byte of each value; `batches`: the same, but by `for await` over `read()`. */
type How = 'nothing' | 'touch' | 'batches'

/** What a worker process is told. */
export interface Task extends Topic {
  readonly library: string
  readonly store: string
  readonly how: How
  readonly maxRecords?: number | undefined
}

/** To thousands of records, and to seconds. */
const thousands = 1000

/** Tidemark's job: from its first fetch to its last save, thousands of records a second. */
export function tidemark(name: string, task: Omit<Task, 'store'>, nodeOptions: readonly string[] = []): Contender {
  return { name, run: () => withStore((store) => work('worker.mjs', { ...task, store } satisfies Task, nodeOptions)) }
}

/** kafkajs: from its join to its last commit. */
export function kafkajs(topic: Topic): Contender {
  return { name: 'kafkajs, `eachBatch`', run: async () => ({ value: (await work('kafkajs-worker.mjs', topic)).value }) }
}

/** Java's own measure of itself, which leaves its start and its join out. */
export function java(topic: Topic): Contender {
  const run = async (): Promise<Sample> => {
    const { stdout, peakMb } = await performanceTool(topic)
    const [, , , , messages, , , , , perSecond] = stdout.trim().split('\n').at(-1)?.split(', ') ?? []
    checkCount(Number(messages), topic)
    return { value: Number(perSecond) / thousands, peakMb }
  }
  return { name: 'Java, ConsumerPerformance (fetch.nMsg.sec)', run }
}

/** The same as a whole process, s. */
export function javaProcess(topic: Topic): Contender {
  const run = async (): Promise<Sample> => {
    const { ms, peakMb } = await performanceTool(topic)
    return { value: ms / thousands, peakMb }
  }
  return { name: 'Java, ConsumerPerformance', run }
}

/** The command line as a whole process, s. */
export function tidemarkProcess(name: string, bin: string, handler: string, { bootstrapServers, topic }: Topic): Contender {
  const where = ['--bootstrap-server', bootstrapServers, '--group', 'bench', '--topic', topic]
  const run = (): Promise<Sample> =>
    withStore(async (store) => {
      const { ms, peakMb } = await runProcess(process.execPath, [
        bin,
        'run',
        ...where,
        '--store',
        store,
        '--handler',
        handler,
        '--until-end',
      ])
      return { value: ms / thousands, peakMb }
    })
  return { name, run }
}

function performanceTool({ bootstrapServers, topic, records }: Topic) {
  const where = ['--bootstrap-server', bootstrapServers, '--topic', topic]
  return runTool('ConsumerPerformance', [...where, '--messages', String(records), '--hide-header', '--timeout', '10000'])
}

async function work(file: string, task: Topic | Task, nodeOptions: readonly string[] = []): Promise<Sample> {
  const { stdout } = await runProcess(process.execPath, [...nodeOptions, join(import.meta.dirname, file), JSON.stringify(task)])
  const { records, ms, peakMb } = JSON.parse(stdout) as { records: number; ms: number; peakMb?: number }
  checkCount(records, task)
  return { value: records / ms, peakMb }
}

function checkCount(found: number, { topic, records }: Topic): void {
  if (found < records) throw new Error(`${found} records of ${topic} were read, and it has ${records}`)
}

/** A fresh SQLite store, so that each run begins at the beginning. */
export async function withStore<T>(use: (url: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-bench-'))
  try {
    return await use(`sqlite:${join(folder, 'tidemark.db')}`)
  } finally {
    rmSync(folder, { recursive: true })
  }
}
