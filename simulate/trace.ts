import type { Clock } from '../src/clock.ts'

/** What happened, in order: kept only where somebody wants to read it. */
export class Trace {
  readonly lines: string[] = []
  readonly #isKept: boolean
  readonly #clock: Clock
  readonly #start: number

  constructor(clock: Clock, isKept: boolean) {
    this.#isKept = isKept
    this.#clock = clock
    this.#start = clock.now()
  }

  note(who: string, what: () => string): void {
    if (this.#isKept) this.lines.push(`${((this.#clock.now() - this.#start) / 1000).toFixed(3).padStart(9)} ${who.padEnd(10)} ${what()}`)
  }
}
