import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Outcome } from './simulation.ts'

/** Seeds to be run, and with which bug. */
export interface Task {
  readonly from: number
  readonly count: number
  /** The name of a planted bug. */
  readonly bug?: string | undefined
}

/** What one member of the crew tells after each portion. */
export interface Portion {
  readonly seeds: number
  readonly failed: readonly Outcome[]
}

/** Seeds that one thread runs before it tells of them. */
const PORTION = 50

/**
 * Runs many seeds on all processors. Ends early once `enough` says so.
 * @returns the outcomes that break an invariant, by seed
 */
export async function runSeeds(
  task: Task,
  told: (portion: Portion) => void = () => {},
  enough: (portion: Portion) => boolean = () => false,
): Promise<Outcome[]> {
  const failed: Outcome[] = []
  let next = task.from
  const end = task.from + task.count
  const ask = (): Task | undefined => {
    if (next >= end) return undefined
    const portion = { ...task, from: next, count: Math.min(PORTION, end - next) }
    next += portion.count
    return portion
  }
  const hear = (portion: Portion): void => {
    failed.push(...portion.failed)
    told(portion)
    if (enough(portion)) next = end
  }
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), Math.ceil(task.count / PORTION)) }, () => hire(ask, hear)))
  return failed.toSorted((a, b) => a.seed - b.seed)
}

/** One thread, which is given one portion after the other until there is none. */
function hire(ask: () => Task | undefined, hear: (portion: Portion) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('crew-member.ts', import.meta.url))
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    const send = (): void => worker.postMessage(ask())
    worker.on('message', (portion: Portion) => {
      hear(portion)
      send()
    })
    worker.once('error', reject)
    worker.once('exit', () => resolve())
    send()
  })
}
