import type { Handler } from '../../src/job/handling.ts'
import type { Log } from '../../src/kafka/log.ts'
import type { StoreDriver } from '../../src/store/driver.ts'
import type { Client, Invariant } from '../witness.ts'

/** A mistake that is planted where Tidemark meets the world, as if its own code made it, and the invariant that it breaks. */
export interface Bug {
  readonly breaks: Invariant
  /** Stands between the store's wrapper and the network. `direct` is the store without a network. */
  readonly driver?: (driver: StoreDriver, direct: StoreDriver, client: Client) => StoreDriver
  /** Stands between the verbs and the connection to Kafka. */
  readonly log?: (log: Log, client: Client) => Log
  /** Stands between the job and its handler. */
  readonly handler?: (handler: Handler) => Handler
}
