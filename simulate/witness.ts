import type { Custody } from '../src/core/custody.ts'
import type { Facts } from '../src/core/facts.ts'
import type { OffsetRange } from '../src/core/position.ts'
import type { Write } from '../src/store/driver.ts'
import type { Produced } from './kafka.ts'

/** The invariants of DESIGN.md, and three more that come of them all: nothing is lost, the ledger tells the truth, and a job gets there in the end. */
export const INVARIANTS = [
  'saved-after-work',
  'no-blind-move',
  'unknown-never-writes',
  'fenced',
  'idempotent',
  'bounded',
  'named-errors',
  'replayed-as-planned',
  'nothing-lost',
  'true-verdict',
  'gets-there',
] as const

export type Invariant = (typeof INVARIANTS)[number]

/** Tells that an invariant does not hold, and how that was seen. */
export type Violate = (invariant: Invariant, how: string) => void

/** A program that uses the store: what it asked for, and what it was told. */
export interface Client {
  readonly name: string
  readonly kind: 'worker' | 'operator'
  /** The writes that it asked for, by save ID, as the store's wrapper sent them. */
  readonly asked: Map<string, Write>
  /** What the cluster told it last. */
  readonly facts: Map<string, Facts>
  /** What was true of the logs while the cluster was asked. */
  readonly spans: Map<string, Span>
  /** What the store told it last. */
  readonly loaded: Map<string, Custody>
}

/** Where a log began at most, and ended at least, during some time. */
export interface Span {
  readonly topicId: string | undefined
  readonly mostStart: number
  readonly leastEnd: number
}

/** A write that was applied. */
export interface Applied {
  readonly client: Client
  /** As it reached the store. */
  readonly write: Write
  /** As the client asked for it. */
  readonly asked: Write
  readonly before: Custody
}

/** What is handed to a handler. */
export interface Work {
  readonly client: Client
  readonly ranges: readonly OffsetRange[]
  readonly records: readonly Produced[]
  readonly maxRecords: number
}

/** Watches a simulation for one invariant. */
export interface Witness {
  asked?(client: Client, write: Write): void
  applied?(applied: Applied): void
  handling?(work: Work): void
  /** A handler succeeded. */
  handled?(work: Work): void
  /** A run or another verb ended with an error. */
  failed?(client: Client, error: unknown): void
  /** All is quiet, and everything should be done. */
  over?(): void
}
