import type { ErrorCode } from '../errors.ts'
import type { Position, TopicPartition } from './position.ts'

/** What a store holds where the committed offset should be. */
export type Stored =
  | { readonly state: 'position'; readonly position: Position }
  /** Nothing is stored. */
  | { readonly state: 'absent' }
  /** What is stored can't be said just now: a transaction that commits it is under way. */
  | { readonly state: 'unknown'; readonly reason: string }
  /** Something is stored that is no offset. `raw` is what it is, shortened to 100 characters. */
  | { readonly state: 'corrupt'; readonly raw: string; readonly reason: string }

/** The work that was planned and not yet saved: from the committed offset (exclusive of nothing) to `untilOffset`. */
export interface Planned {
  readonly fromOffset: number
  readonly untilOffset: number
}

/** Where nothing is stored: what says that there once was something. */
export type Trace = 'sidecar' | 'ledger' | 'planned' | 'seen'

/** Everything a store holds of one group's partition: the committed offset and what Tidemark keeps beside it. */
export interface Custody extends TopicPartition {
  readonly stored: Stored
  readonly trace?: Trace | undefined
  readonly planned?: Planned | undefined
  /** Tidemark's own counter, raised by compare-and-set when a worker takes the partition; 0 where none ever did. */
  readonly ownerEpoch: number
  /** The worker that raised it last. */
  readonly owner?: string | undefined
  /** The save ID of the last write of Tidemark's, if it is still what is stored. */
  readonly saveId?: string | undefined
  /** Names exactly what was read, for compare-and-set. Opaque: only the store that made it can read it. */
  readonly revision: string
  /** What the store has to say besides: what is odd about how the offset is kept, and what a move leads to. Sentences. */
  readonly remarks?: readonly string[] | undefined
  /** Why nobody can move the offset now, where that is so. */
  readonly immovable?: Immovable | undefined
  /** Why no identity can be put beside the offset while it stays, where that is so. */
  readonly unadoptable?: string | undefined
}

/** Why an offset can't be moved. A save is refused with the same words. */
export interface Immovable {
  readonly code: ErrorCode
  readonly reason: string
  /** What to do next: one sentence. */
  readonly hint: string
}

/** The stored position, if there is a readable one. */
export function positionOf(custody: Custody): Position | undefined {
  return custody.stored.state === 'position' ? custody.stored.position : undefined
}
