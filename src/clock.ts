/** The time, as everything that waits sees it: the system's, or in tests one that is moved by hand. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Resolves after `ms`, or at once when `signal` is aborted. Never rejects: a caller who cares looks at the signal. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** Node fires a longer timer at once, ms. */
const LONGEST_TIMER = 2 ** 31 - 1

/** The machine's own clock. A sleep keeps the process alive until it is over or aborted. */
export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) return resolve()
      const done = (): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, Math.min(ms, LONGEST_TIMER))
      signal?.addEventListener('abort', done, { once: true })
    }),
}
