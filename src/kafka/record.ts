import { corrupt } from './batch.ts'
import type { RecordBatch } from './batch.ts'
import type { KafkaRecord } from './log.ts'

/** One record, read in place: key, value and headers are made when they are asked for, as views of the batch. */
export class RecordView implements KafkaRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  readonly #bytes: Buffer
  readonly #keyAt: number

  constructor(topic: string, partition: number, offset: number, timestamp: number, bytes: Buffer, keyAt: number) {
    this.topic = topic
    this.partition = partition
    this.offset = offset
    this.timestamp = timestamp
    this.#bytes = bytes
    this.#keyAt = keyAt
  }

  get key(): Buffer | null {
    return new FieldReader(this.#bytes, this.#keyAt).bytes()
  }

  get value(): Buffer | null {
    const fields = new FieldReader(this.#bytes, this.#keyAt)
    fields.skip()
    return fields.bytes()
  }

  get headers(): ReadonlyArray<readonly [string, Buffer | null]> {
    const fields = new FieldReader(this.#bytes, this.#keyAt)
    fields.skip()
    fields.skip()
    return Array.from({ length: fields.varint() }, () => [fields.bytes()?.toString() ?? '', fields.bytes()] as const)
  }
}

/** Walks the records of one uncompressed batch in offset order, from the byte `at` on. */
export class RecordCursor {
  readonly #batch: RecordBatch
  readonly #fields: FieldReader
  readonly #bytes: Buffer
  /** Where the record last read by `next` stands. */
  offset = -1
  timestamp = -1
  keyAt = -1

  constructor(batch: RecordBatch, bytes: Buffer, at = 0) {
    this.#batch = batch
    this.#bytes = bytes
    this.#fields = new FieldReader(bytes, at)
  }

  /** Where the next record begins. */
  get at(): number {
    return this.#fields.at
  }

  /** Reads the next record, which there must be. @throws TidemarkError RECORD_CORRUPT where the bytes end early. */
  next(): void {
    const fields = this.#fields
    const length = fields.varint()
    const end = fields.at + length
    if (length < 0 || end > this.#bytes.length) throw corrupt(this.#batch.baseOffset, 'a record reaches beyond its batch')
    fields.at++ // attributes: unused
    const timestampDelta = fields.varlong()
    this.offset = this.#batch.baseOffset + fields.varint()
    this.timestamp = this.#batch.logAppendTime ? this.#batch.maxTimestamp : this.#batch.baseTimestamp + timestampDelta
    this.keyAt = fields.at
    fields.at = end
  }

  /** The next record's offset, or where there is none the one behind the batch. */
  peek(): number {
    const { at } = this
    if (at >= this.#bytes.length) return this.#batch.lastOffset + 1
    this.next()
    this.#fields.at = at
    return this.offset
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

/** Zigzag varints and the fields that they precede. */
class FieldReader {
  readonly #bytes: Buffer
  at: number

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.at = at
  }

  varint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
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

  bytes(): Buffer | null {
    const length = this.varint()
    if (length < 0) return null
    const start = this.at
    this.at += length
    return this.#bytes.subarray(start, this.at)
  }

  skip(): void {
    const length = this.varint()
    if (length > 0) this.at += length
  }
}
