import type { Clock } from '../clock.ts'
import { isUnreachable, TidemarkError } from '../errors.ts'

/** Something that people should know of a running job. The job goes on by itself. */
export interface Notice {
  /** `waiting`: something is out of reach, or a transaction that is open holds the job up. `moved`: an offset was repaired. `suspect`: it is read on from an offset that may be of another log. `unsaved`: the job ends by something else, and before that a save failed too. `started`, `lost`, `added`, `replanned`, `retrying`, `gave-up`: as they say. */
  readonly kind: 'waiting' | 'moved' | 'suspect' | 'started' | 'lost' | 'added' | 'replanned' | 'retrying' | 'gave-up' | 'unsaved'
  readonly text: string
  readonly topic?: string | undefined
  readonly partition?: number | undefined
}

export type OnNotice = (notice: Notice) => void

const FIRST_NOTICE_MS = 3_000
const NOTICE_EVERY_MS = 15_000
const MAX_PAUSE_MS = 3_000

/** What a job waits with: its clock, its ear, and the signal that ends the waiting. */
export interface Patience {
  readonly clock: Clock
  readonly onNotice: OnNotice
  readonly signal: AbortSignal
}

/**
 * Calls `work` until the other side can be reached, saying now and then what is waited for. A signal ends the waiting
 * by throwing what kept it from succeeding; anything but being out of reach is thrown at once.
 */
export async function patiently<T>(what: string, { clock, onNotice, signal }: Patience, work: () => Promise<T>): Promise<T> {
  const since = clock.now()
  const over = new AbortController()
  let reason = 'no answer yet'
  void remind(clock, over.signal, () =>
    onNotice({ kind: 'waiting', text: `waiting ${seconds(clock.now() - since)} for ${what}: ${reason}` }),
  )
  try {
    for (let pause = 250; ; pause = Math.min(pause * 2, MAX_PAUSE_MS)) {
      try {
        return await work()
      } catch (error) {
        if (!mayPass(error) || signal.aborted) throw error
        reason = error.message
      }
      await clock.sleep(pause, signal)
    }
  } finally {
    over.abort('over') // without a reason it makes an error, with its stack, for every batch
  }
}

/** Whether it may go better later. A save whose outcome is unknown is sent again with its save ID: the store tells whether it was done. */
export function mayPass(error: unknown): error is TidemarkError {
  return isUnreachable(error) || (error instanceof TidemarkError && error.code === 'STORE_OUTCOME_UNKNOWN')
}

async function remind(clock: Clock, over: AbortSignal, say: () => void): Promise<void> {
  await clock.sleep(FIRST_NOTICE_MS, over)
  while (!over.aborted) {
    say()
    await clock.sleep(NOTICE_EVERY_MS, over)
  }
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`
}
