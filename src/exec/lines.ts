const NEWLINE = 0x0a

/**
 * Takes one line, without its newline. `whole` is false for a piece of a line that is longer than the limit; the last piece of
 * such a line is whole again.
 */
export type OnLine = (line: string, whole: boolean) => void

/** Cuts a stream of bytes into lines, and lines that are too long into pieces, so that an endless line takes no more memory than the limit. */
export class LineSplitter {
  readonly #limit: number
  readonly #onLine: OnLine
  #line = Buffer.allocUnsafe(1024)
  #length = 0

  constructor(limit: number, onLine: OnLine) {
    this.#limit = limit
    this.#onLine = onLine
  }

  push(chunk: Buffer): void {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      this.#add(chunk.subarray(start, end))
      this.#emit(true)
      start = end + 1
    }
    this.#add(chunk.subarray(start))
  }

  /** The stream is over: what came after its last newline is a line too. */
  flush(): void {
    if (this.#length > 0) this.#emit(true)
  }

  #add(bytes: Buffer): void {
    for (let left = bytes; left.length > 0;) {
      if (this.#length === this.#limit) this.#emit(false)
      const taken = left.subarray(0, this.#limit - this.#length)
      this.#copy(taken)
      left = left.subarray(taken.length)
    }
  }

  /** Into a buffer of our own: a slice would keep the whole chunk that it came in. */
  #copy(bytes: Buffer): void {
    const needed = this.#length + bytes.length
    if (needed > this.#line.length) {
      const longer = Buffer.allocUnsafe(Math.min(Math.max(needed, 2 * this.#line.length), this.#limit))
      this.#line.copy(longer, 0, 0, this.#length)
      this.#line = longer
    }
    bytes.copy(this.#line, this.#length)
    this.#length = needed
  }

  #emit(whole: boolean): void {
    const line = this.#line.toString('utf8', 0, this.#length)
    this.#length = 0
    this.#onLine(line, whole)
  }
}
