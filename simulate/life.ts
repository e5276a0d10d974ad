import type { Clock } from '../src/clock.ts'

/**
 * A process that can die between any two awaits. Everything that it waits for goes through {@link through}: once it is dead
 * nothing comes back, so that not one line of it runs on. What it had sent off before may still arrive.
 */
export class Life {
  readonly #clock: Clock
  readonly #died = Promise.withResolvers<void>()
  #isDead = false
  #stepsLeft = Number.POSITIVE_INFINITY
  #resumesAt = 0
  /** The process's own clock. */
  readonly clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
    this.clock = { now: () => clock.now(), sleep: (ms, signal) => this.through(() => clock.sleep(ms, signal)) }
  }

  get isDead(): boolean {
    return this.#isDead
  }

  /** Resolves when it dies. */
  get died(): Promise<void> {
    return this.#died.promise
  }

  /** kill -9. */
  kill(): void {
    this.#isDead = true
    this.#died.resolve()
  }

  /** It dies by itself, before or after so many calls. */
  killAfter(steps: number): void {
    this.#stepsLeft = steps
  }

  /** SIGSTOP, and SIGCONT after `ms`: what was answered meanwhile is seen late. */
  pause(ms: number): void {
    this.#resumesAt = this.#clock.now() + ms
  }

  /** Does what the process asks others to do. It may die before that, or before it hears of it. */
  async through<T>(call: () => Promise<T>): Promise<T> {
    await this.#awake()
    try {
      return await call()
    } finally {
      await this.#awake()
    }
  }

  /** Resolves once the process runs; never, once it is dead. */
  async #awake(): Promise<void> {
    for (let left = this.#left(); left > 0; left = this.#left()) await this.#clock.sleep(left)
    if (this.#step()) await new Promise(() => {})
  }

  #left(): number {
    return this.#resumesAt - this.#clock.now()
  }

  /** Whether it is dead by now. */
  #step(): boolean {
    if (!this.#isDead && --this.#stepsLeft < 0) this.kill()
    return this.#isDead
  }
}
