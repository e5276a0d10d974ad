import type { Clock } from '../src/clock.ts'

/**
 * Lets `setInterval` go by a clock while `work` runs: a membership's heartbeats are plain timers, which do not keep a process
 * alive, and a simulation has no time but its own.
 */
export async function withIntervalsOn<T>(clock: Clock, work: () => Promise<T>): Promise<T> {
  const { setInterval: set, clearInterval: clear } = globalThis
  globalThis.setInterval = ((call: () => void, ms: number) => new Interval(clock, call, ms)) as unknown as typeof setInterval
  globalThis.clearInterval = ((interval: Interval | undefined) => interval?.clear()) as unknown as typeof clearInterval
  try {
    return await work()
  } finally {
    globalThis.setInterval = set
    globalThis.clearInterval = clear
  }
}

class Interval {
  #isOver = false

  constructor(clock: Clock, call: () => void, ms: number) {
    void this.#run(clock, call, ms)
  }

  clear(): void {
    this.#isOver = true
  }

  unref(): this {
    return this
  }

  async #run(clock: Clock, call: () => void, ms: number): Promise<void> {
    for (;;) {
      await clock.sleep(ms)
      if (this.#isOver) return
      call()
    }
  }
}
