import type { Clock } from '../clock.ts'

interface Sleeper {
  readonly due: number
  readonly wake: () => void
}

/** A clock that stands still until a test moves it. */
export class ManualClock implements Clock {
  readonly #sleepers = new Set<Sleeper>()
  #now: number

  /** @param now where it starts, ms since 1970. */
  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms <= 0 || signal?.aborted === true) return Promise.resolve()
    return new Promise((resolve) => {
      // Whole milliseconds, as Node's timers have them.
      const sleeper: Sleeper = { due: this.#now + Math.max(1, Math.trunc(ms)), wake: () => wake() }
      const wake = (): void => {
        this.#sleepers.delete(sleeper)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      this.#sleepers.add(sleeper)
      signal?.addEventListener('abort', wake, { once: true })
    })
  }

  /** How many sleeps are under way. */
  get sleeping(): number {
    return this.#sleepers.size
  }

  /** Moves the time on by `ms`, waking each sleeper at its own moment and letting what it woke run before the next one. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms
    await settled()
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#now = next.due
      next.wake()
      await settled()
    }
    this.#now = end
  }

  /** Moves the time on to the next sleeper's moment, wakes it, and lets what it woke run. False where nobody sleeps. */
  async step(): Promise<boolean> {
    const next = this.#next(Number.POSITIVE_INFINITY)
    if (next === undefined) return false
    this.#now = next.due
    next.wake()
    await drained()
    return true
  }

  #next(end: number): Sleeper | undefined {
    let next: Sleeper | undefined
    for (const sleeper of this.#sleepers) {
      if (sleeper.due <= end && (next === undefined || sleeper.due < next.due)) next = sleeper
    }
    return next
  }
}

/** Promises that are already settled have run their reactions after this, however many they chained. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** The same without a turn of the event loop, which costs more than most of what is woken: all promises, but no I/O and no timers. */
function drained(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve))
}
