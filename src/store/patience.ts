import type { Clock } from '../clock.ts'
import { isUnreachable, type TidemarkError } from '../errors.ts'

/** The first pause before another try, ms; each further one is twice as long, up to the longest. */
const FIRST_PAUSE = 50
const LONGEST_PAUSE = 2_000

/** The pauses between tries, ms: doubling, without end. */
export function* pauses(): Generator<number, never> {
  for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) yield pause
}

/** Settles as `work` does, or rejects with `late()` after `ms`. Work that comes late is left alone and its outcome dropped. */
export async function within<T>(clock: Clock, ms: number, work: Promise<T>, late: () => TidemarkError): Promise<T> {
  const over = new AbortController()
  const lateness = new Promise<never>((_, reject) => {
    void clock.sleep(ms, over.signal).then(() => (over.signal.aborted ? undefined : reject(late())))
  })
  try {
    return await Promise.race([work, lateness])
  } finally {
    over.abort('over') // with a reason of its own: without one an error is made each time
  }
}

/** How long, on which clock, and what to say when it was not enough. */
export interface Patience {
  readonly clock: Clock
  /** When to give up, ms since 1970. */
  readonly deadline: number
  /** Ends a pause between two tries early. */
  readonly signal: AbortSignal
  readonly late: () => TidemarkError
}

/**
 * Tries something that may be repeated without harm until it succeeds, fails for another reason than being out of reach,
 * or the deadline has come.
 */
export async function retried<T>({ clock, deadline, signal, late }: Patience, attempt: () => Promise<T>): Promise<T> {
  for (const pause of pauses()) {
    try {
      return await within(clock, deadline - clock.now(), attempt(), late)
    } catch (error) {
      if (!isUnreachable(error) || clock.now() + pause >= deadline) throw error
    }
    await clock.sleep(pause, signal)
  }
  throw late()
}
