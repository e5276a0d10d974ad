import { freedEarly, Memory, type Piece } from './memory.ts'

/** What codecs make is copied into blocks of this size: memory of its own for each batch of some kilobytes costs more than uncompressing it. */
const BLOCK_BYTES = 1024 * 1024
/** What would fill more than this share of a block keeps memory of its own. */
const LARGEST_BYTES = BLOCK_BYTES / 4
/** Blocks that are kept to be used again. */
const KEPT_BLOCKS = 8

/** Puts the records of uncompressed batches side by side, in blocks that are used again once nobody holds anything in them. */
export class Shelf {
  readonly #memory = new Memory(KEPT_BLOCKS * BLOCK_BYTES)
  #block: Piece | undefined
  #filled = 0

  /** Takes over bytes that nobody else looks at, held once. */
  put(bytes: Buffer): Piece {
    const own = freedEarly(bytes)
    if (bytes.length > LARGEST_BYTES) return own
    const block = this.#blockFor(bytes.length)
    const place = block.bytes.subarray(this.#filled, this.#filled + bytes.length)
    this.#filled += bytes.copy(place)
    own.release()
    block.hold()
    return { bytes: place, hold: () => block.hold(), release: () => block.release() }
  }

  #blockFor(length: number): Piece {
    if (this.#block !== undefined && this.#filled + length <= BLOCK_BYTES) return this.#block
    this.#block?.release()
    this.#filled = 0
    this.#block = this.#memory.block(BLOCK_BYTES)
    return this.#block
  }
}
