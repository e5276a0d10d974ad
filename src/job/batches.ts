import { asTidemarkError } from '../errors.ts'
import type { Log } from '../kafka/log.ts'
import type { Store } from '../store/store.ts'
import type { JobBatch } from './batch.ts'
import { Job } from './job.ts'
import type { JobOptions } from './options.ts'
import { tellProgress } from './progress.ts'

/** Starts a job and hands out its batches until it is over; whatever ends the loop closes it. @throws what {@link Job} throws */
export async function* batches(log: Log, store: Store, options: JobOptions): AsyncGenerator<JobBatch, void, undefined> {
  const job = new Job(log, store, options)
  const over = new AbortController()
  const telling = tellProgress(job, options, over.signal)
  try {
    await job.start()
    for (let batch = await job.next(); batch !== undefined; batch = await job.next()) yield batch
  } catch (error) {
    // A question to the cluster that the stop cut short is no failure.
    if (options.signal.aborted && error === options.signal.reason) return
    throw asTidemarkError(error, 'INTERNAL', { group: options.group })
  } finally {
    over.abort()
    await telling
    await job.close()
  }
}
