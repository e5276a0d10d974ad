import { readBatch, type RecordBatch } from './batch.ts'
import { BufferedBatch, type Keep } from './buffered.ts'
import type { Piece } from './memory.ts'

/** What a broker answered of one partition: sound batches, one behind the other. */
export interface Answer {
  readonly piece: Piece
  /** Where the last of them ends, in the piece's bytes. */
  readonly end: number
  /** Where the partition was read on. Brokers return whole batches: the first ones may lie below. */
  readonly fromOffset: number
  /** Whether a batch holds no records for anybody; asked of each once, in order. */
  readonly hide: (batch: RecordBatch) => boolean
}

/**
 * The batches of one answer that wait to be handed out. Each is looked at when its turn comes, since thousands may wait: an object for each would be
 * copied by one garbage collection after the other, by which V8 also judges how much memory the process needs for what is young.
 */
export class BufferedAnswer {
  readonly #answer: Answer
  readonly #keep: Keep
  #at = 0
  #first: BufferedBatch | undefined

  /** @param keep where the records of uncompressed batches go */
  constructor(answer: Answer, keep: Keep) {
    this.#answer = answer
    this.#keep = keep
    answer.piece.hold()
  }

  /** The memory that it takes for as long as any of its batches waits. */
  get heldBytes(): number {
    return this.#answer.piece.bytes.length
  }

  /** The first that waits; undefined: none does any more. */
  get first(): BufferedBatch | undefined {
    const { piece, end, fromOffset, hide } = this.#answer
    while (this.#first === undefined && this.#at < end) {
      const batch = readBatch(piece.bytes, this.#at)
      const isHidden = hide(batch)
      if (batch.lastOffset >= fromOffset) this.#first = new BufferedBatch(batch, isHidden, piece, this.#keep)
      this.#at = batch.end
    }
    return this.#first
  }

  /** The first one is handed out. */
  shift(): void {
    this.#first?.release()
    this.#first = undefined
  }

  /** None is wanted any more. */
  release(): void {
    this.shift()
    this.#answer.piece.release()
  }
}
