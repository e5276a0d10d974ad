// A thread of crew.ts: runs the seeds that it is sent, until it is sent none.
import { parentPort } from 'node:worker_threads'
import { BUGS } from './bugs/planted.ts'
import type { Portion, Task } from './crew.ts'
import { simulate, type Outcome } from './simulation.ts'

parentPort?.on('message', (task: Task | undefined) => {
  if (task === undefined) parentPort?.close()
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  else void runPortion(task).then((portion) => parentPort?.postMessage(portion))
})

async function runPortion({ from, count, bug }: Task): Promise<Portion> {
  const failed: Outcome[] = []
  for (let seed = from; seed < from + count; seed++) {
    const outcome = await simulate(seed, { bug: bug === undefined ? undefined : BUGS[bug] })
    if (outcome.violations.length > 0) failed.push(outcome)
  }
  return { seeds: count, failed }
}
