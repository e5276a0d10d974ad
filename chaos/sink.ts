import { existsSync, readFileSync } from 'node:fs'
import type { Handled, Order, Span } from '../lab/account.ts'

/** One run of a worker process, as it wrote itself down. */
export interface Life {
  readonly name: string
  /** Its last words; undefined where it had no time for any. */
  readonly end: string | undefined
  /** What it handled last of each partition. */
  readonly last: ReadonlyMap<number, readonly Handled[]>
}

/** What all the workers of a round wrote down. */
export interface Writings {
  readonly handled: readonly Handled[]
  readonly lives: readonly Life[]
}

interface Writing {
  end: string | undefined
  readonly last: Map<number, Handled[]>
}

/** Reads what the workers wrote. */
export function readSink(file: string): Writings {
  return parseSink(existsSync(file) ? readFileSync(file, 'utf8') : '')
}

/** The same of the file's text. */
export function parseSink(text: string): Writings {
  const handled: Handled[] = []
  const lives = new Map<string, Writing>()
  for (const line of text.split('\n')) {
    const [kind, name = '', ...rest] = line.split(' ')
    const life = lives.get(name) ?? { end: undefined, last: new Map<number, Handled[]>() }
    if (kind === 'begun') lives.set(name, life)
    else if (kind === 'ended') life.end = rest.join(' ')
    else if (kind === 'batch') for (const partition of rest) life.last.set(Number(partition), [])
    else if (kind === 'handled') {
      const [partition = '', offset = '', id = ''] = rest
      const one = { id, partition: Number(partition), offset: Number(offset) }
      handled.push(one)
      life.last.get(one.partition)?.push(one)
    }
  }
  return { handled, lives: [...lives].map(([name, { end, last }]) => ({ name, end, last })) }
}

/**
 * What may be handled a second time: the last batch of each worker that did not end in good order. It may have been worked on and not saved; all before it
 * was saved, or the worker would not have gone on.
 */
export function unsaved({ lives }: Writings, produced: readonly Order[]): readonly Span[] {
  const topicOf = new Map(produced.map(({ id, topicId }) => [id, topicId]))
  return lives
    .filter(({ end }) => end !== 'as told' && end !== 'by itself')
    .flatMap(({ name, end, last }) =>
      [...last].flatMap(([partition, batch]) => {
        const [first, final] = [batch[0], batch.at(-1)]
        if (first === undefined || final === undefined) return []
        const why = `the last batch of worker ${name}, which ${end === undefined ? 'was killed' : `ended: ${end.split(' ')[0]}`}`
        return [{ topicId: topicOf.get(first.id) ?? '', partition, fromOffset: first.offset, untilOffset: final.offset + 1, why }]
      }),
    )
}
