import type { Batch } from '../job/batch.ts'
import { batches } from '../job/batches.ts'
import { withDefaults } from '../job/options.ts'
import type { ReadOptions } from '../job/options.ts'
import type { Log } from '../kafka/log.ts'
import type { Store } from '../store/store.ts'

/**
 * Reads a group's partitions as an async iterable of batches:
 * `for await (const batch of read(kafka, store, options)) { await work(batch); await batch.done() }`.
 * A batch that is not done is read again by the next run. Ends when `signal` is aborted, or at `untilEnd`.
 * @throws TidemarkError POLICY_FAIL, LIMIT_EXCEEDED, TOPIC_NOT_FOUND: nothing was read or written; FENCED, RECORD_CORRUPT later
 */
export function read(log: Log, store: Store, options: ReadOptions): AsyncGenerator<Batch, void, undefined> {
  return batches(log, store, withDefaults(options))
}
