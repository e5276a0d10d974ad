import { Reader } from '@platformatic/kafka'
import type { Connection, Writer } from '@platformatic/kafka'
import type { Send } from '../../src/kafka/leaders.ts'

/** Sends each request, in its newest version, to a leader that reads its bytes and answers with bytes. */
export function sendTo(answer: (request: Reader) => Writer): Send {
  const send: Connection['send'] = (key, version, payload, parse, _requestTags, _answerTags, done) => {
    const request = Reader.from((payload() as Writer).buffer)
    const result = parse(0, key, version, Reader.from(answer(request).buffer))
    if (result instanceof Promise) throw new TypeError('an answer that is not read at once')
    done(null, result)
  }
  return (call, args) => call.versions[0].async({ send } as Connection, ...args)
}
