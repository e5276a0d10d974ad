import type { OffsetRange, TopicPartition } from '../src/index.ts'
import { TidemarkError } from '../src/index.ts'
import type { Log, LogReader, ReaderOptions, StartAt, Taken, TakeLimits } from '../src/kafka/log.ts'

/** A call on the log, or on one of its readers, that is made in another process. */
export interface Call {
  readonly call: number
  readonly reader?: number | undefined
  readonly method: string
  readonly args: readonly unknown[]
}

/** What became of it. */
export type Answer =
  | { readonly answer: number; readonly value: unknown }
  | { readonly answer: number; readonly error: Pick<TidemarkError, 'code' | 'what'> }

type Asker = (method: string, args: readonly unknown[], reader?: number) => Promise<never>

/** The in-memory log of the process that started this one, over the channel between the two: a job can be killed, and the log lives on. */
export function remoteLog(): Log {
  const ask = asker()
  let readers = 0
  // Signals stay here: nothing that the demo's log does takes long.
  return {
    topics: (names) => ask('topics', [names]),
    facts: (questions, { lastStableOffset, elsewhere } = {}) => ask('facts', [questions, { lastStableOffset, elsewhere }]),
    offsetsAt: (questions) => ask('offsetsAt', [questions]),
    epochs: (ranges) => ask('epochs', [ranges]),
    batches: (questions) => ask('batches', [questions]),
    produce: (topic, records) => ask('produce', [topic, records]),
    reader: (options) => new RemoteReader(ask, ++readers, options),
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  }
}

class RemoteReader implements LogReader {
  readonly #ask: (method: string, ...args: readonly unknown[]) => Promise<never>
  constructor(ask: Asker, id: number, options: ReaderOptions) {
    this.#ask = (method, ...args) => ask(method, args, id)
    void this.#ask('open', options)
  }

  assign(start: StartAt): void {
    void this.#ask('assign', start)
  }

  drop(partition: TopicPartition): void {
    void this.#ask('drop', partition)
  }

  take(limits: TakeLimits): Promise<Taken> {
    return this.#ask('take', limits)
  }

  takeRanges(ranges: readonly OffsetRange[]): Promise<Taken> {
    return this.#ask('takeRanges', ranges)
  }

  /** Nobody looks at the progress of the demo's job. */
  logEndOffset(): undefined {
    return undefined
  }

  async close(): Promise<void> {
    await this.#ask('close')
  }
}

function asker(): Asker {
  const open = new Map<number, PromiseWithResolvers<never>>()
  let calls = 0
  process.on('message', (message) => {
    if (!isAnswer(message)) return
    const asked = open.get(message.answer)
    open.delete(message.answer)
    if ('error' in message) asked?.reject(new TidemarkError(message.error.code, message.error.what))
    else asked?.resolve(message.value as never)
  })
  return (method, args, reader) => {
    const asked = Promise.withResolvers<never>()
    const call: Call = { call: ++calls, reader, method, args }
    open.set(call.call, asked)
    if (process.connected) process.send?.(call)
    return asked.promise
  }
}

function isAnswer(message: unknown): message is Answer {
  return typeof message === 'object' && message !== null && 'answer' in message
}
