import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { sparkEnvironment, type SparkVersion } from '../../lab/spark.ts'

const program = fileURLToPath(new URL('moved_queries.py', import.meta.url))

/** A query for moved_queries.py. `run`: until the ends seen first. `sink`: `lines` appends to the file `out`, and `failing` fails in its first batch. */
export interface Query {
  readonly do: 'run' | 'start'
  readonly topics: readonly string[]
  readonly checkpoint: string
  readonly sink: 'lines' | 'failing' | 'stateful' | 'parquet'
  readonly out: string
  readonly options?: Readonly<Record<string, string>> | undefined
  readonly conf?: Readonly<Record<string, string>> | undefined
}

type Answer = { readonly result: unknown } | { readonly error: string }

/** Real queries, one after the other, in one Spark: it ends with this process, whose end is that of its input. */
export class Queries {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>
  readonly #brokers: string
  readonly #lines: AsyncIterator<string>

  constructor(child: ChildProcessByStdio<Writable, Readable, null>, brokers: string) {
    this.#child = child
    this.#brokers = brokers
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  }

  static async start(version: SparkVersion, brokers: string): Promise<Queries> {
    const env = { ...process.env, ...(await sparkEnvironment(version)) }
    return new Queries(spawn('python3', [program], { env, stdio: ['pipe', 'pipe', 'inherit'] }), brokers)
  }

  /** Does something, and says what Spark answered. @throws what Spark failed with */
  async do(order: Query | { readonly do: 'idle' | 'stop' | 'failure' } | { readonly do: 'read'; readonly out: string }): Promise<unknown> {
    this.#child.stdin.write(`${JSON.stringify({ ...order, brokers: this.#brokers })}\n`)
    for (;;) {
      const { value, done } = await this.#lines.next()
      if (done === true) throw new Error('Spark ended')
      if (!value.startsWith('answer ')) continue
      const answer = JSON.parse(value.slice('answer '.length)) as Answer
      if ('error' in answer) throw new Error(answer.error)
      return answer.result
    }
  }

  /**
   * Lets a query finish the batch that was planned, and stops it. Spark 4.1.1 does and commits that batch, and then fails at its own report of it: its
   * Kafka source has not asked for the latest offsets yet (KafkaMicroBatchStream.metrics).
   */
  async finish(query: Query): Promise<void> {
    await this.do({ ...query, do: 'start' })
    const failed = await this.do({ do: 'idle' }).then(
      () => undefined,
      (error: Error) => error,
    )
    if (failed !== undefined && !failed.message.includes('Cannot invoke "scala.collection.IterableOps.map')) throw failed
    await this.do({ do: 'stop' })
  }

  close(): void {
    this.#child.kill('SIGKILL')
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
