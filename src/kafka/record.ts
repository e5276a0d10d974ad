import { inspect } from 'node:util'
import { corrupt } from './batch.ts'
import type { RecordBatch } from './batch.ts'
import type { KafkaRecord } from './log.ts'

/**
 * The constructor of Node's buffers, as %TypedArray%.subarray finds it: a view made by it takes two thirds of the time of one made
 * by `subarray`, and views are most of what a record takes.
 */
const View = (Buffer as unknown as { [Symbol.species]: new (memory: ArrayBufferLike, from: number, length: number) => Buffer })[
  Symbol.species
]
const EMPTY = Buffer.alloc(0)

/** A batch's records, uncompressed, and the memory that they lie in: asking a buffer for it takes time. */
export class RecordSource {
  readonly batch: RecordBatch
  readonly bytes: Buffer
  readonly #fields: FieldReader
  readonly #memory: ArrayBufferLike
  readonly #origin: number

  constructor(batch: RecordBatch, bytes: Buffer) {
    this.batch = batch
    this.bytes = bytes
    this.#fields = new FieldReader(this)
    this.#memory = bytes.buffer
    this.#origin = bytes.byteOffset
  }

  /** Reads fields from a byte on, until the next call: one reader for all records, since each field is read at once. */
  fieldsAt(at: number): FieldReader {
    this.#fields.at = at
    return this.#fields
  }

  /** A view, cut at the end of the bytes. Where the memory was given back all lengths read 0, and it is empty. */
  view(from: number, length: number): Buffer {
    if (length === 0) return EMPTY
    if (from + length > this.bytes.length) return this.bytes.subarray(from)
    return new View(this.#memory, this.#origin + from, length)
  }
}

/** One record, read in place: each part of it when it is asked for; key, value and headers as views of the batch. */
export class RecordView implements KafkaRecord {
  readonly topic: string
  readonly partition: number
  readonly #source: RecordSource
  readonly #at: number

  /** @param at where its timestamp begins */
  constructor(topic: string, partition: number, source: RecordSource, at: number) {
    this.topic = topic
    this.partition = partition
    this.#source = source
    this.#at = at
  }

  get offset(): number {
    const fields = this.#fields()
    fields.pass()
    return this.#source.batch.baseOffset + fields.varint()
  }

  get timestamp(): number {
    const { logAppendTime, baseTimestamp, maxTimestamp } = this.#source.batch
    return logAppendTime ? maxTimestamp : baseTimestamp + this.#fields().varlong()
  }

  get key(): Buffer | null {
    return this.#behindOffset().bytes()
  }

  get value(): Buffer | null {
    const fields = this.#behindOffset()
    fields.skip()
    return fields.bytes()
  }

  get headers(): ReadonlyArray<readonly [string, Buffer | null]> {
    const fields = this.#behindOffset()
    fields.skip()
    fields.skip()
    return Array.from({ length: fields.varint() }, () => [fields.bytes()?.toString() ?? '', fields.bytes()] as const)
  }

  /** What `console.log` shows. */
  [inspect.custom](): KafkaRecord {
    const { topic, partition, offset, timestamp, key, value, headers } = this
    return { topic, partition, offset, timestamp, key, value, headers }
  }

  #fields(): FieldReader {
    return this.#source.fieldsAt(this.#at)
  }

  #behindOffset(): FieldReader {
    const fields = this.#fields()
    fields.pass()
    fields.pass()
    return fields
  }
}

/** Walks the records of one uncompressed batch in offset order, from the byte `at` on. */
export class RecordCursor {
  readonly #source: RecordSource
  readonly #fields: FieldReader

  constructor(source: RecordSource, at = 0) {
    this.#source = source
    this.#fields = new FieldReader(source, at)
  }

  /** Where the next record begins. */
  get at(): number {
    return this.#fields.at
  }

  /** Passes over the next record, which there must be, and says where its timestamp begins. @throws TidemarkError RECORD_CORRUPT where the bytes end early. */
  next(): number {
    const fields = this.#fields
    const length = fields.varint()
    const { at } = fields
    const end = at + length
    if (length < 0 || end > this.#source.bytes.length) throw corrupt(this.#source.batch.baseOffset, 'a record reaches beyond its batch')
    fields.at = end
    return at + ATTRIBUTES_BYTES
  }

  /** The next record's offset, or where there is none the one behind the batch. */
  peek(): number {
    const { at } = this
    const { batch, bytes } = this.#source
    if (at >= bytes.length) return batch.lastOffset + 1
    const fields = this.#source.fieldsAt(this.next())
    this.#fields.at = at
    fields.pass()
    return batch.baseOffset + fields.varint()
  }

  /** Passes over records without looking into them. */
  skip(count: number): void {
    for (let left = count; left > 0; left--) this.#fields.skip()
  }

  /** Passes over those below an offset. */
  seek(offset: number): void {
    while (this.peek() < offset) this.skip(1)
  }
}

/** A record's attributes: unused. */
const ATTRIBUTES_BYTES = 1

/** Zigzag varints and the fields that they precede. */
class FieldReader {
  readonly #source: RecordSource
  readonly #bytes: Buffer
  at: number

  constructor(source: RecordSource, at = 0) {
    this.#source = source
    this.#bytes = source.bytes
    this.at = at
  }

  varint(): number {
    const first = this.#bytes[this.at++] ?? 0
    return first < 0x80 ? (first >>> 1) ^ -(first & 1) : this.#longer(first & 0x7f)
  }

  #longer(first: number): number {
    let value = first
    for (let shift = 7; shift < 35; shift += 7) {
      const byte = this.#bytes[this.at++] ?? 0
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) break
    }
    return (value >>> 1) ^ -(value & 1)
  }

  /** Beyond 32 bits by multiplication: bit operations are 32 bits wide. Exact for times. */
  varlong(): number {
    let value = 0
    let scale = 1
    for (let count = 0; count < 10; count++) {
      const byte = this.#bytes[this.at++] ?? 0
      value += (byte & 0x7f) * scale
      if (byte < 0x80) break
      scale *= 128
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2
  }

  /** Passes over a number. */
  pass(): void {
    while ((this.#bytes[this.at++] ?? 0) >= 0x80);
  }

  bytes(): Buffer | null {
    const length = this.varint()
    if (length < 0) return null
    const start = this.at
    this.at += length
    return this.#source.view(start, length)
  }

  /** Passes over a field. */
  skip(): void {
    const length = this.varint()
    if (length > 0) this.at += length
  }
}
