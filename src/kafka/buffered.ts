import { recordBytes } from './batch.ts'
import type { RecordBatch } from './batch.ts'
import type { Piece } from './memory.ts'
import { RecordCursor, RecordSource } from './record.ts'

/** Records of one batch that lie one behind the other: from the byte `at` on, in `source`. */
export interface Part {
  readonly source: RecordSource
  readonly at: number
  readonly recordCount: number
  /** Where the partition stands after it. */
  readonly untilOffset: number
  /** Memory to be held for as long as the part may be looked at. */
  readonly piece: Piece
}

/** Takes over what a codec made, held once. */
export type Keep = (bytes: Buffer) => Piece

/** A fetched batch that waits to be handed out, whole or part by part. */
export class BufferedBatch {
  readonly batch: RecordBatch
  /** A control batch, or of an aborted transaction under read_committed: it moves the position and holds no records for anybody. */
  readonly hidden: boolean
  /** The memory that the batch lies in, or once it is uncompressed its records. */
  #piece: Piece
  readonly #keep: Keep
  /** Where the records begin that were not handed out yet; undefined: none were. */
  #rest: RecordCursor | undefined
  #source: RecordSource | undefined

  constructor(batch: RecordBatch, hidden: boolean, piece: Piece, keep: Keep) {
    this.batch = batch
    this.hidden = hidden
    this.#piece = piece
    this.#keep = keep
    piece.hold()
  }

  get size(): number {
    return this.batch.end - this.batch.start
  }

  /**
   * Its records from an offset on, at most `room` of them and none at or beyond `end`. Whole batches are taken by their header,
   * without a walk. Each part begins behind the one before.
   * @throws TidemarkError RECORD_CORRUPT
   */
  take(fromOffset: number, end: number, room: number): Part {
    const { batch } = this
    const source = (this.#source ??= new RecordSource(batch, this.#uncompress()))
    const isWhole = this.#rest === undefined && fromOffset <= batch.baseOffset && end > batch.lastOffset && batch.recordCount <= room
    if (isWhole) return this.#part(source, 0, batch.recordCount, end)
    const cursor = (this.#rest ??= new RecordCursor(source))
    cursor.seek(fromOffset)
    const { at } = cursor
    let recordCount = 0
    while (recordCount < room && cursor.peek() < end) {
      cursor.skip(1)
      recordCount++
    }
    return this.#part(source, at, recordCount, Math.min(cursor.peek(), end))
  }

  /** It is handed out whole, or not wanted any more. */
  release(): void {
    this.#piece.release()
  }

  #uncompress(): Buffer {
    const bytes = recordBytes(this.batch)
    if (this.batch.compression === 0) return bytes
    this.#piece.release()
    this.#piece = this.#keep(bytes)
    return this.#piece.bytes
  }

  #part(source: RecordSource, at: number, recordCount: number, untilOffset: number): Part {
    return { source, at, recordCount, untilOffset, piece: this.#piece }
  }
}
