type Write = typeof process.stderr.write

/**
 * Lines at the bottom of the terminal, redrawn in place. What else this process writes there meanwhile, a handler's own output
 * too, is put above them.
 */
export class LiveLines implements Disposable {
  readonly #terminal: NodeJS.WriteStream
  readonly #write: Write
  readonly #restore: (() => void)[] = []
  #drawn = 0
  /** Somebody else's line is not finished: nothing is drawn into it. */
  #isMidLine = false

  /** `streams`: those that end up on the terminal; the lines are drawn on the first. */
  constructor(...streams: [NodeJS.WriteStream, ...NodeJS.WriteStream[]]) {
    this.#terminal = streams[0]
    this.#write = streams[0].write.bind(streams[0])
    for (const stream of streams) this.#watch(stream)
  }

  /** How many lines there is room for. */
  get room(): number {
    return Math.max(1, this.#terminal.rows - 1)
  }

  /** Draws these lines in place of those before. Longer ones are cut, since one that wraps takes up two. */
  draw(lines: readonly string[]): void {
    if (this.#isMidLine) return
    const shown = lines.slice(0, this.room).map((line) => `${line.slice(0, this.#terminal.columns - 1)}\n`)
    this.#write(erasing(this.#drawn) + shown.join(''))
    this.#drawn = shown.length
  }

  /** Takes the lines away for good. */
  [Symbol.dispose](): void {
    this.#erase()
    for (const restore of this.#restore) restore()
  }

  #erase(): void {
    if (this.#drawn > 0) this.#write(erasing(this.#drawn))
    this.#drawn = 0
  }

  #watch(stream: NodeJS.WriteStream): void {
    const write: Write = stream.write.bind(stream)
    stream.write = ((...words: Parameters<Write>): boolean => {
      this.#erase()
      const [text] = words
      if (text.length > 0) this.#isMidLine = !endsLine(text)
      return write(...words)
    }) as Write
    this.#restore.push(() => {
      stream.write = write
    })
  }
}

function endsLine(text: string | Uint8Array): boolean {
  return typeof text === 'string' ? text.endsWith('\n') : text.at(-1) === 10
}

function erasing(lines: number): string {
  return lines === 0 ? '' : `\u001B[${lines}F\u001B[0J`
}
