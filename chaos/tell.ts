import type { Fault } from './plan.ts'

const CLEAR_LINE = '\r\u001B[K'
const REDRAWN_EVERY_MS = 500

/** What the line of progress counts. */
export interface Counts {
  readonly produced: () => number
  readonly handled: () => number
}

/** Says what happens, a line each; on a terminal, below them, a line that says how far it is. */
export class Teller {
  readonly #total: number
  readonly #since = Date.now()
  #begun = 0
  #ended = 0
  #counts: Counts | undefined

  constructor(total: number) {
    this.#total = total
    if (process.stdout.isTTY) setInterval(() => this.#draw(), REDRAWN_EVERY_MS).unref()
  }

  /** What to count from now on. */
  watch(counts: Counts): void {
    this.#counts = counts
  }

  say(text: string): void {
    process.stdout.write(`${process.stdout.isTTY ? CLEAR_LINE : ''}${text}\n`)
  }

  begins({ kind }: Fault): void {
    this.#begun++
    this.say(`${this.#time()}  ${String(this.#begun).padStart(4)} of ${this.#total}  ${kind}`)
  }

  ended({ kind }: Fault, text: string): void {
    this.#ended++
    this.say(`${this.#time()}               ${kind}: ${text}`)
  }

  #draw(): void {
    if (this.#counts === undefined) return
    const { produced, handled } = this.#counts
    process.stdout.write(
      `${CLEAR_LINE}${this.#time()}  ${this.#ended} of ${this.#total} faults over, ${produced()} records produced, ${handled()} handlings`,
    )
  }

  #time(): string {
    return `${((Date.now() - this.#since) / 1000).toFixed(1).padStart(6)} s`
  }
}
