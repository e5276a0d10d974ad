import type { Clock } from '../clock.ts'

/** Keeps records within a rate: each waits until those before it have had their time. */
export class Pace {
  readonly #perSecond: number
  readonly #clock: Clock
  #freeAt = 0

  constructor(perSecond: number, clock: Clock) {
    this.#perSecond = perSecond
    this.#clock = clock
  }

  /** Waits until `records` more may be handed out. */
  async wait(records: number, signal: AbortSignal): Promise<void> {
    if (!Number.isFinite(this.#perSecond) || records === 0) return
    const now = this.#clock.now()
    if (this.#freeAt > now) await this.#clock.sleep(this.#freeAt - now, signal)
    this.#freeAt = Math.max(this.#freeAt, now) + (records / this.#perSecond) * 1000
  }
}
