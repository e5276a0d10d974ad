import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { sparkEnvironment } from '../../lab/spark.ts'
import { positionOf } from '../../src/core/custody.ts'
import { printOffsetsOption } from '../../src/spark/offsets-option.ts'
import type { Scene } from './scene.ts'

const program = fileURLToPath(new URL('spark_rival.py', import.meta.url))

/** What a query did from its checkpoint's offsets. */
interface Outcome {
  readonly read: readonly (readonly [partition: number, offset: number])[]
  readonly failed: string
}

/** The two ways in which Spark deals with offsets that are not there. */
const MODES = ['true', 'false'] as const

/** Real Spark, whose queries go on from checkpoints that hold the incidents' offsets. It ends with this process, whose end is that of its input. */
export class SparkRival {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #lines: AsyncIterator<string>
  #checkpoints = 0

  constructor(child: ChildProcessByStdio<Writable, Readable, null>) {
    this.#child = child
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  }

  static async start(): Promise<SparkRival> {
    const env = { ...process.env, ...(await sparkEnvironment('4.1.1')) }
    return new SparkRival(spawn('python3', [program], { env, stdio: ['pipe', 'pipe', 'inherit'] }))
  }

  /** What it does with each scene's offsets, by `group partition`. Nothing of what a checkpoint can't hold. */
  async goOn(scenes: readonly Scene[]): Promise<ReadonlyMap<string, string>> {
    const held = await Promise.all(scenes.map(async (scene) => ({ scene, offsets: await offsetsOf(scene) })))
    const usable = held.filter(({ offsets }) => offsets.length > 0)
    const queries = usable.flatMap(({ scene, offsets }) => MODES.map((mode) => this.#query(scene, printOffsetsOption(offsets), mode)))
    const outcomes = await this.#ask(queries)
    const told = usable.flatMap(({ scene, offsets }, index) => {
      const [strict, lenient] = outcomes.slice(index * MODES.length) as [Outcome, Outcome]
      return [...partitionsIn(offsets, strict, lenient)].map((partition) => {
        const at = offsets.find((one) => one.partition === partition)?.offset
        const [said, otherwise] = [tell(strict, partition, at), tell(lenient, partition, at)]
        const text = said === otherwise ? said : `${said} (failOnDataLoss=true); ${otherwise} (false)`
        return [`${scene.group} ${partition}`, text] as const
      })
    })
    return new Map(told)
  }

  close(): void {
    this.#child.kill('SIGKILL')
  }

  /** A checkpoint with one batch that was done, as Spark leaves it. */
  #query({ kafka, stage, topic }: Scene, offsets: string, failOnDataLoss: string): object {
    const checkpoint = join(stage.directory, `checkpoint-${this.#checkpoints++}`)
    for (const folder of ['offsets', 'commits']) mkdirSync(join(checkpoint, folder), { recursive: true })
    writeFileSync(join(checkpoint, 'metadata'), `{"id":"${randomUUID()}"}`)
    const header = '{"batchWatermarkMs":0,"batchTimestampMs":1795367325738,"conf":{"spark.sql.shuffle.partitions":"2"}}'
    writeFileSync(join(checkpoint, 'offsets/0'), `v1\n${header}\n${offsets}`)
    writeFileSync(join(checkpoint, 'commits/0'), 'v1\n{"nextBatchWatermarkMs":0}')
    const options = {
      'kafka.bootstrap.servers': kafka.bootstrapServers,
      'kafka.isolation.level': 'read_committed',
      // It tries three times.
      'kafka.default.api.timeout.ms': '3000',
      'kafka.request.timeout.ms': '3000',
      // It does not make the topic by asking for it.
      'kafka.allow.auto.create.topics': 'false',
      subscribe: topic,
      failOnDataLoss,
    }
    return { checkpoint, options }
  }

  async #ask(queries: readonly object[]): Promise<readonly Outcome[]> {
    if (queries.length === 0) return []
    this.#child.stdin.write(`${JSON.stringify(queries)}\n`)
    for (;;) {
      const { value, done } = await this.#lines.next()
      if (done === true) throw new Error('Spark ended')
      if (value.startsWith('answer ')) return JSON.parse(value.slice('answer '.length)) as readonly Outcome[]
    }
  }
}

/** The offsets that are numbers. */
async function offsetsOf({ store, group, topic }: Scene) {
  return (await store.load(group)).flatMap((custody) => {
    const { offset } = positionOf(custody) ?? {}
    return offset === undefined || custody.topic !== topic ? [] : [{ topic, partition: custody.partition, offset }]
  })
}

function partitionsIn(offsets: readonly { readonly partition: number }[], ...outcomes: readonly Outcome[]): Set<number> {
  return new Set([...offsets.map(({ partition }) => partition), ...outcomes.flatMap(({ read }) => read.map(([partition]) => partition))])
}

function tell({ read, failed }: Outcome, partition: number, offset: number | undefined): string {
  if (failed !== '') return `fails: ${reasonIn(failed)}`
  const offsets = read.filter(([of]) => of === partition).map(([, one]) => one)
  if (offsets.length === 0) return 'reads nothing'
  const first = Math.min(...offsets)
  return first === offset ? `reads on from ${offset}` : `reads from ${first}`
}

/** Spark's words for offsets that are not there, or the innermost exception's name. */
function reasonIn(message: string): string {
  if (/data may have been lost|data was lost/i.test(message)) return 'some data may have been lost'
  return [...message.matchAll(/\b(\w+(?:Exception|Error))\b/g)].at(-1)?.[1] ?? message.slice(0, 80)
}
