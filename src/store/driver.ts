import type { Custody, Planned } from '../core/custody.ts'
import type { LedgerRow } from '../core/ledger.ts'
import type { GroupType } from '../kafka/groups.ts'
import type { Log } from '../kafka/log.ts'
import type { Position, TopicPartition } from '../core/position.ts'

/**
 * What a backend can do. An absent capability is a tested refusal (STORE_UNSUPPORTED), never a silent shortcut.
 * The conformance suite of `tidemark/testing` gates its tests by these.
 */
export interface Capabilities {
  /** What was saved is there after the process ended. Without it: `memory:`, for tests and one-process jobs. */
  readonly durable: boolean
  /** Several processes may use it at once. */
  readonly shared: boolean
  /** Group names may hold any character. Without it: a name with `/` is refused with GROUP_NAME. */
  readonly anyGroupName: boolean
  /** Other programs read the offset as a bare number, and may move it: what they write is seen as theirs, its identity unknown. */
  readonly bareNumber: boolean
  /** A handler's own changes and its offsets can be written in one transaction: exactly once. Without it `transact` is missing. */
  readonly transactions: boolean
  /** Jobs may save their progress: own partitions by owner epochs, plan ranges, leave a position as it is. Without it nobody is fenced, and only moves are taken (repair, reset). */
  readonly progress: boolean
  /** It shows the live members of a group and keeps their heartbeats. Without it nobody can join, and whoever is at work may not be seen. */
  readonly members: boolean
  /**
   * Compares what is there with what a write expects and puts it in one atomic operation. Without it what is there is read just before
   * and again just after: whoever writes between the two is noticed and reported as `changed`, but not kept out.
   */
  readonly compareAndSet: boolean
  /** It holds groups by their names. Without it a group is a label for the ledger, and there is no list of them. */
  readonly groups: boolean
}

/**
 * One write to one partition's custody: what it expects to find, what to put, the owner epoch, a save ID and the ledger
 * rows that go with it. Progress, plans, repairs and taking a partition are all this one write.
 *
 * The store applies it in one atomic operation of its own, or not at all:
 * 1. what is stored has the owner epoch `ownerEpoch` or a lower one, else `fenced`;
 * 2. its revision is `expected`, else `changed`;
 * 3. position, planned range, owner and ledger rows are put together.
 */
export interface Write extends TopicPartition {
  /** The revision that load, or the last write's result, gave. */
  readonly expected: string
  /** The position to put; undefined leaves the stored value (number and identity) as it is. */
  readonly position?: Position | undefined
  /** The position's offset is the stored one, and only its identity is new: a store that keeps the two apart leaves the number untouched, its time too. */
  readonly adopts?: boolean | undefined
  /** The planned range after this write; undefined: none. */
  readonly planned?: Planned | undefined
  /** The writer's owner epoch. A store that holds a higher one refuses. To take a partition: the epoch found, plus one. */
  readonly ownerEpoch: number
  /** The worker that holds `ownerEpoch`. */
  readonly owner?: string | undefined
  /** Names this write. After a lost connection, finding it in the store proves that the write was done. */
  readonly saveId: string
  readonly ledger: readonly LedgerRow[]
}

/** What became of one write. Partial failure is a value: one partition's refusal says nothing of the others. */
export type WriteResult =
  | { readonly status: 'saved'; readonly revision: string }
  /** Somebody moved it since it was read. Nothing was written. `found` is what is there now. */
  | { readonly status: 'changed'; readonly found: Custody }
  /** A higher owner epoch is stored: another worker took the partition. Nothing was written. */
  | { readonly status: 'fenced'; readonly ownerEpoch: number; readonly owner?: string | undefined }

/** What became of a transaction: all of it is saved, or nothing is, and `results` has the refused writes', `undefined` for the others. */
export type TransactResult =
  | { readonly status: 'saved'; readonly revisions: readonly string[] }
  | { readonly status: 'refused'; readonly results: ReadonlyArray<WriteResult | undefined> }

/** A live worker of a group, as the store shows it. */
export interface Member {
  readonly id: string
  /** The program: `tidemark`, or another one's name (an old ZooKeeper consumer). */
  readonly program: string
  readonly host: string
  /** Of another program's consumer: the static name that it goes by for its session time-out after it stopped. */
  readonly instanceId?: string | undefined
  /** Of another program's consumer: its client ID. */
  readonly clientId?: string | undefined
  /** The last sign of life, ms since 1970. */
  readonly seenAt: number
}

/** A group, and what its store knows of it besides its offsets. */
export interface GroupListing {
  readonly group: string
  /** Of Kafka's own groups: how it shares its work. */
  readonly type?: GroupType | undefined
  /** It has no committed offsets that could be compared or moved: why, and what it has in their place. Sentences. */
  readonly withoutOffsets?: readonly string[] | undefined
}

/** Which ledger rows to read; all that are given must hold. */
export interface LedgerQuery {
  readonly group?: string | undefined
  readonly topic?: string | undefined
  readonly partition?: number | undefined
  /** Rows at or after this time, ms since 1970. */
  readonly since?: number | undefined
}

/**
 * The contract of a backend: thin, one file each. Drivers never validate, time out, retry or log; `openStore` wraps them
 * and does that once for all. They throw TidemarkError:
 * - STORE_UNREACHABLE: not reached, and nothing of this call was applied;
 * - STORE_OUTCOME_UNKNOWN: from `save` only: the connection was lost after the write may have been sent;
 * - STORE_DENIED, STORE_CORRUPT, STORE_NOT_FOUND, GROUP_NAME: as their names say.
 */
export interface StoreDriver {
  readonly capabilities: Capabilities
  /** The custody of each partition asked for, in that order, `absent` ones included; without `partitions` all that the group has stored or left a trace of, in any order. */
  load(group: string, partitions?: readonly TopicPartition[]): Promise<Custody[]>
  /** Applies each write on its own terms; one result per write, in order. Those that can be applied are applied together, atomically. */
  save(group: string, writes: readonly Write[]): Promise<WriteResult[]>
  /**
   * Applies all the writes and `work`'s own changes in one transaction, or nothing of either. `work` is given the backend's own
   * transaction (SQLite: the DatabaseSync), is not called where a write is refused or was done before (same save ID), and
   * rolls all of it back by throwing, which is thrown on. Nothing else of this process is written meanwhile.
   */
  transact?(group: string, writes: readonly Write[], work: (transaction: unknown) => Promise<void>): Promise<TransactResult>
  /** The names of the groups that have anything stored. */
  groups(): Promise<string[]>
  /** These groups, without names all, those that can't have committed offsets included. Only of a store whose groups are of several kinds. */
  describeGroups?(names?: readonly string[]): Promise<GroupListing[]>
  /** Ledger rows, oldest first. */
  ledger(query: LedgerQuery): Promise<LedgerRow[]>
  /** Says that the member lives; called again every few seconds. Must succeed after a session was lost. */
  heartbeat(group: string, member: Member): Promise<void>
  /** The member is gone. */
  leave(group: string, memberId: string): Promise<void>
  /** The members that the store shows, dead ones with an old `seenAt` included. */
  members(group: string): Promise<Member[]>
  /** How many members each group has. Only of a store that shows all of them at once. */
  countMembers?(): Promise<ReadonlyMap<string, number>>
  close(): Promise<void>
}

/** How to open a backend. */
export interface DriverOptions {
  /** `read` never creates anything: what does not exist is empty. */
  readonly mode: 'read' | 'write'
  /** How long a first connection may take, ms. */
  readonly timeoutMs: number
  /** The SQLite file of the ledger, for a store that has no room for one. Default `./tidemark.db`. */
  readonly ledger?: string | undefined
  /** The log that is read: for `kafka:`, the groups of that very cluster. */
  readonly log?: Log | undefined
}

/** What each file of a backend exports. */
export type OpenDriver = (url: string, options: DriverOptions) => Promise<StoreDriver>
