import type { ChildProcess } from 'node:child_process'
import type { Log, LogReader, ReaderOptions } from '../src/kafka/log.ts'
import { asTidemarkError } from '../src/errors.ts'
import type { Answer, Call } from './remote-log.ts'

type Methods = Record<string, (...args: readonly unknown[]) => unknown>

/** Lets a process that was started work on a log of this one's, as long as it lives. */
export function serveLog(log: Log, child: ChildProcess): void {
  const readers = new Map<number, LogReader>()
  const send = (answer: Answer): void => void (child.connected && child.send(answer))
  child.on('message', (message) => {
    if (!isCall(message)) return
    answerTo(log, readers, message).then(
      (value) => send({ answer: message.call, value }),
      (error: unknown) => {
        const { code, what } = asTidemarkError(error)
        send({ answer: message.call, error: { code, what } })
      },
    )
  })
  child.on('exit', () => {
    for (const reader of readers.values()) void reader.close()
  })
}

async function answerTo(log: Log, readers: Map<number, LogReader>, { reader, method, args }: Call): Promise<unknown> {
  if (reader !== undefined && method === 'open') return void readers.set(reader, log.reader(args[0] as ReaderOptions))
  const object = reader === undefined ? log : readers.get(reader)
  return (object as unknown as Methods)[method]?.(...args)
}

function isCall(message: unknown): message is Call {
  return typeof message === 'object' && message !== null && 'call' in message
}
