import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execHandler, type ExecHandler, type ExecOptions, type HandlerBatch, type KafkaRecord } from '../../src/index.ts'

/** What every Node child of these tests starts with. */
const prelude = `
import { appendFileSync, existsSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
const say = (...answers) => process.stdout.write(answers.map((answer) => JSON.stringify(answer) + '\\n').join(''))
const done = ({ batch, ranges }) => say({ batch, ranges })
const note = (text) => appendFileSync(process.argv[2], text + '\\n')
const batches = (async function* () { for await (const line of createInterface({ input: process.stdin })) yield JSON.parse(line) })()
`

/** A folder for the children of one test file, and what they wrote. */
export class Scene implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'tidemark-exec-'))
  readonly lines: string[] = []
  readonly #handlers: ExecHandler[] = []
  #count = 0

  /** A command that runs these lines in Node; `note` appends to the file that comes with it. */
  script(body: string): { command: string; notes: () => string[] } {
    const file = join(this.folder, `${++this.#count}.mjs`)
    const notes = `${file}.notes`
    writeFileSync(file, prelude + body)
    writeFileSync(notes, '')
    return { command: `'${process.execPath}' ${file} ${notes}`, notes: () => linesOf(notes) }
  }

  exec(command: string, options: Partial<ExecOptions> = {}): ExecHandler {
    const handler = execHandler({ command, onLine: (line) => this.lines.push(line), ...options })
    this.#handlers.push(handler)
    return handler
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#handlers.map((handler) => handler.close()))
    rmSync(this.folder, { recursive: true })
  }
}

/** The lines of a file. */
export function linesOf(file: string): string[] {
  return readFileSync(file, 'utf8').split('\n').slice(0, -1)
}

/** A record with defaults for what a test does not care about. */
export function record(partition: number, offset: number, more: Partial<KafkaRecord> = {}): KafkaRecord {
  return {
    topic: 'orders',
    partition,
    offset,
    timestamp: 1_700_000_000_000,
    key: null,
    value: Buffer.from(`${partition}.${offset}`),
    headers: [],
    ...more,
  }
}

/** A batch of so many records in each of these partitions. */
export function batchOf(partitions: readonly number[], perPartition = 3, from = 0): HandlerBatch {
  const offsets = Array.from({ length: perPartition }, (_, index) => from + index)
  const records = partitions.flatMap((partition) => offsets.map((offset) => record(partition, offset)))
  return {
    ranges: partitions.map((partition) => ({ topic: 'orders', partition, fromOffset: from, untilOffset: from + perPartition })),
    records,
    recordCount: records.length,
  }
}

/** What a handler throws. */
export async function failureOf(work: unknown): Promise<Error> {
  try {
    await work
  } catch (error) {
    return error as Error
  }
  throw new Error('it succeeded')
}

/** Whether a process runs. */
export function runs(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
