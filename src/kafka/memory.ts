/** Bytes in one piece, in memory that is used again once nobody holds them any more. */
export interface Piece {
  readonly bytes: Buffer
  hold(): void
  release(): void
}

/**
 * The memory that fetched batches lie in, in blocks that are used again and again: fresh memory for every megabyte costs more, in page
 * faults and garbage collections, than everything else that is done with it. Before a block is used again it is detached from
 * whatever still looks at it: a view that was kept too long is empty then, and never shows other records' bytes.
 */
export class Memory {
  readonly #maxFreeBytes: number
  readonly #free: ArrayBuffer[] = []

  /** @param maxFreeBytes how much is kept for later, at most */
  constructor(maxFreeBytes: number) {
    this.#maxFreeBytes = maxFreeBytes
  }

  /** So many bytes, held once: in a block where they fill at least half of it. */
  piece(bytes: number, blockBytes: number): Piece {
    if (bytes > blockBytes || bytes < blockBytes / 2) return freedEarly(Buffer.allocUnsafeSlow(bytes))
    const block = this.#take(blockBytes)
    return new Held(Buffer.from(block, 0, bytes), () => this.#giveBack(block))
  }

  /** A whole block, held once. */
  block(blockBytes: number): Piece {
    const block = this.#take(blockBytes)
    return new Held(Buffer.from(block), () => this.#giveBack(block))
  }

  #take(blockBytes: number): ArrayBuffer {
    // Blocks of another size are from before there were more, or fewer, partitions to share the memory.
    if (this.#free[0]?.byteLength !== blockBytes) for (const block of this.#free.splice(0)) free(block)
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(blockBytes).buffer
  }

  #giveBack(block: ArrayBuffer): void {
    if ((this.#free.length + 1) * block.byteLength <= this.#maxFreeBytes) this.#free.push(block.transfer())
    else free(block)
  }
}

/** Bytes in memory of their own, which is given back at once when nobody holds them any more, and not by a garbage collection some time. */
export function freedEarly(bytes: Buffer): Piece {
  const { buffer, byteOffset } = bytes
  // Node keeps small buffers several to a block, of a size that differs from version to version.
  const isAlone = bytes.byteLength === buffer.byteLength || (byteOffset === 0 && buffer.byteLength !== Buffer.poolSize)
  return new Held(bytes, () => void (isAlone && free(buffer as ArrayBuffer)))
}

/** Gives memory back to the system now; a garbage collection would do so some seconds later. */
function free(memory: ArrayBuffer): void {
  memory.transfer(0)
}

class Held implements Piece {
  readonly bytes: Buffer
  readonly #giveBack: () => void
  #holders = 1

  constructor(bytes: Buffer, giveBack: () => void) {
    this.bytes = bytes
    this.#giveBack = giveBack
  }

  hold(): void {
    this.#holders++
  }

  release(): void {
    this.#holders--
    if (this.#holders === 0) this.#giveBack()
  }
}
