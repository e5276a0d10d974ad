import { Reader, type Connection } from '@platformatic/kafka'
import { Bytes } from './bytes.ts'

/** What whoever decodes waits for: so many bytes, or memory to be filled with those that come next. */
export type Wanted = number | Buffer

/**
 * Decodes an answer while it arrives. It yields what it waits for and goes on once that is there: the number of bytes that it wanted lie from `at` on, to be
 * read at once, since their memory is used again; or its own memory is filled. It goes on behind what it wanted, whether or not it looked at all of it.
 */
export type Decoding<Result> = Generator<Wanted, Result, Bytes>

type Parse = Parameters<Connection['send']>[3]

const STAGE_BYTES = 64 * 1024
const NOTHING: Buffer = Buffer.alloc(0)

/** Those of {@link whileArriving}: how each begins. */
const decodings = new WeakMap<Parse, () => Decoding<unknown>>()

/** Bytes that arrive piece by piece, put where whoever decodes them wants them: large ones come straight into their own memory, and are never copied. */
export class Arrivals {
  readonly #decoding: Decoding<void>
  #ended = false
  /** What is left to fill of the memory that is wanted. */
  #landing = NOTHING
  /** How many bytes are wanted otherwise. */
  #needed = 0
  /** What arrived and is not decoded yet, from its `at` on, up to `#filled`. */
  #stage = new Bytes(Buffer.allocUnsafeSlow(STAGE_BYTES))
  #filled = 0

  constructor(decoding: Decoding<void>) {
    this.#decoding = decoding
    this.#goOn()
  }

  /** Where the next bytes are to be put. */
  get room(): Buffer {
    return this.#landing.length > 0 ? this.#landing : this.#stage.from.subarray(this.#filled)
  }

  /** So many have been put there. */
  add(count: number): void {
    if (this.#landing.length > 0) this.#landing = this.#landing.subarray(count)
    else this.#filled += count
    while (!this.#ended && this.#isThere()) this.#goOn()
    this.#makeRoom()
  }

  #isThere(): boolean {
    if (this.#landing.length === 0) return this.#filled - this.#stage.at >= this.#needed
    const { from, at } = this.#stage
    const copied = from.copy(this.#landing, 0, at, this.#filled)
    this.#stage.skip(copied)
    this.#landing = this.#landing.subarray(copied)
    return this.#landing.length === 0
  }

  #goOn(): void {
    const behind = this.#stage.at + this.#needed
    const { done = false, value } = this.#decoding.next(this.#stage)
    this.#stage.at = behind
    this.#ended = done
    this.#landing = value instanceof Buffer ? value : NOTHING
    this.#needed = typeof value === 'number' ? value : 0
  }

  /** Moves what is not decoded yet to the beginning of a stage in which all that is wanted finds room. */
  #makeRoom(): void {
    const { from, at } = this.#stage
    const bytes = Math.max(STAGE_BYTES, this.#needed)
    if (from.length === bytes && at === 0) return
    if (from.length !== bytes) this.#stage = new Bytes(Buffer.allocUnsafeSlow(bytes))
    this.#filled = from.copy(this.#stage.from, 0, at, this.#filled)
    this.#stage.at = 0
  }
}

/** A parser for an API of the client's that decodes while the answer arrives where a connection can do that, and the whole one otherwise. */
export function whileArriving<Result>(begin: () => Decoding<Result>): (...[, , , reader]: Parameters<Parse>) => Result {
  const parse = (...[, , , reader]: Parameters<Parse>): Result => {
    return decodeWhole(begin(), new Bytes(reader.buffer.slice(reader.position)))
  }
  decodings.set(parse, begin)
  return parse
}

/** An answer's decoding by such a parser, or by one that takes the whole answer, of that many bytes, at once. */
export function decodingOf(parse: Parse, length: number, ...header: [id: number, key: number, version: number]): Decoding<unknown> {
  return decodings.get(parse)?.() ?? wholeOf(parse, length, header)
}

function* wholeOf(parse: Parse, length: number, header: [number, number, number]): Decoding<unknown> {
  const { from, at } = yield length
  return parse(...header, Reader.from(from.subarray(at, at + length)))
}

/** What came of an answer. */
export type Outcome<Result> = { readonly error: null; readonly result: Result } | { readonly error: Error; readonly result?: undefined }

/** Decodes an answer of so many bytes, which is not to want more; what it leaves is passed over, whatever came of it. */
export function* settled<Result>(decoding: Decoding<Result>, length: number): Decoding<Outcome<Result>> {
  let left = length
  let outcome: Outcome<Result>
  try {
    let step = decoding.next()
    while (step.done !== true) {
      if (sizeOf(step.value) > left) throw new RangeError('the answer ends early')
      left -= sizeOf(step.value)
      step = decoding.next(yield step.value)
    }
    outcome = { error: null, result: step.value }
  } catch (error) {
    outcome = { error: error as Error }
  }
  for (; left > STAGE_BYTES; left -= STAGE_BYTES) yield STAGE_BYTES
  yield left
  return outcome
}

function decodeWhole<Result>(decoding: Decoding<Result>, bytes: Bytes): Result {
  const whole = settled(decoding, bytes.from.length)
  let step = whole.next()
  while (step.done !== true) {
    const behind = bytes.at + sizeOf(step.value)
    if (step.value instanceof Buffer) bytes.from.copy(step.value, 0, bytes.at)
    step = whole.next(bytes)
    bytes.at = behind
  }
  const { error, result } = step.value
  if (error !== null) throw error
  return result
}

function sizeOf(wanted: Wanted): number {
  return typeof wanted === 'number' ? wanted : wanted.length
}
