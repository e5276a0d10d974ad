import type { ChildProcess } from 'node:child_process'
import type { LabAdmin } from '../lab/admin.ts'
import type { Log, Store } from '../src/index.ts'
import type { Worker } from './worker.ts'

/** The names that the whole story uses. */
export const group = 'billing'
export const topic = 'orders'
export const partitions = [0, 1] as const

/** What differs in the telling. */
export interface Words {
  /** Where the offsets are kept, and where the orders lie. */
  readonly store: string
  readonly log: string
  /** What of all this is real. */
  readonly real: string
  /** What makes and deletes topics. */
  readonly topicTool: string
  /** How the orders come to be removed. */
  readonly retention: string
  /** What happens to the job's write: beforehand, who does it, and afterwards. */
  readonly willBreak: string
  readonly breaker: string
  readonly broke: string
  /** What somebody else finds in the store, and reads it with. */
  readonly bare: string
  readonly plainly: string
}

/** What an old job does, without anything of Tidemark's. */
export interface OldJob {
  /** The number stored for each partition, and where it is. */
  stored(): Promise<readonly { readonly place: string; readonly offset: string }[]>
  /** The values of so many records from these offsets on. */
  read(offsets: readonly string[], count: number): Promise<string[]>
}

/** Everything that the story plays on, and the hands to meddle with it: real servers, or what stands in for them. */
export interface Stage extends AsyncDisposable {
  readonly words: Words
  /** Where everything is. */
  readonly places: string
  readonly topics: Pick<LabAdmin, 'createTopic' | 'recreateTopic' | 'produce' | 'offsets'>
  readonly broker: { stop(): Promise<unknown>; start(): Promise<unknown> }
  readonly store: Store
  /** What the command line finds in its environment. */
  readonly settings: Readonly<Record<string, string>>
  /** What the command line works on where there is no cluster to connect to. */
  readonly log?: Log
  /** What the job is started with: where the log is, and where its offsets are kept. */
  readonly jobArgs: readonly [log: string, store: string]
  /** Where the job writes down what it handled. */
  readonly sink: string
  /** Gives a job that was started what it needs besides. */
  serve(job: ChildProcess): void
  /** Removes all that is in the topic now, as retention does. */
  letRetentionPass(): Promise<void>
  /** Somebody's hand puts an offset into the store. */
  setByHand(partition: number, offset: string): Promise<void>
  /** Loses the job's next write, before the store sees it or on the answer's way back. Resolves when that has happened. */
  loseWrite(worker: Worker, part: 'request' | 'reply'): Promise<void>
  /** How many writes the job has sent. */
  writesOf(worker: Worker): number
  readonly oldJob: OldJob
}
