import type { Margin } from '../core/margin.ts'
import type { TopicPartition } from '../core/position.ts'
import type { VerdictName } from '../core/verdict.ts'
import type { ErrorCode } from '../errors.ts'
import type { CheckRow } from '../verbs/check.ts'

/** A store of a cluster, by the names that the configuration gives them. */
export interface Source {
  readonly cluster: string
  readonly store: string
}

/** What one round found of one partition of one group. */
export interface WatchedRow extends Source, CheckRow {
  /** How far retention is from the offset; null where that does not apply. */
  readonly margin: Margin | null
}

/** A group that could not be checked; `group` null: a store that could not say which groups it has. */
export interface Failure extends Source {
  readonly group: string | null
  readonly code: ErrorCode
  /** Without secrets. */
  readonly message: string
}

/** What moves that a store's ledger tells of have cost, since it was begun; counts are "at most". */
export interface Loss extends Source {
  readonly group: string
  readonly topic: string
  readonly verdict: string
  readonly moves: number
  /** Of moves of which it is known. */
  readonly lost: number
  /** Moves of which nobody can know what they skipped. */
  readonly unknown: number
  readonly reread: number
}

/** A group that was looked for in a round, whether or not it could be checked. */
export interface WatchedGroup extends Source {
  readonly group: string
  /** Its members, where the store shows them. */
  readonly members?: number | undefined
}

/** What is known of a cluster besides its partitions. */
export interface WatchedCluster {
  readonly cluster: string
  /** Brokers that are up; undefined: nobody says. */
  readonly brokers: number | undefined
  /** Partitions of each topic that has a row and that the cluster knows. */
  readonly topics: ReadonlyMap<string, number>
}

/** All that one round found. Plain data. */
export interface Round {
  /** When it began, ms since 1970. */
  readonly at: number
  readonly durationMs: number
  readonly sources: readonly Source[]
  readonly clusters: readonly WatchedCluster[]
  readonly groups: readonly WatchedGroup[]
  /** By cluster, store, group, topic and partition. */
  readonly rows: readonly WatchedRow[]
  readonly failures: readonly Failure[]
  /** Ledgers that could not be read; `losses` has what was counted of them before. */
  readonly ledgerFailures: readonly Failure[]
  readonly losses: readonly Loss[]
}

/** Names a store, a group or a partition of one, for maps and for receivers of alerts. */
export function subjectOf(
  { cluster, store }: Source,
  group: string | null = null,
  { topic, partition }: Partial<TopicPartition> = {},
): string {
  return [cluster, store, group, topic, partition]
    .filter((part) => part !== null && part !== undefined)
    .map((part) => encodeURIComponent(part))
    .join('/')
}

/** How often each verdict was found. */
export function countVerdicts(rows: readonly Pick<WatchedRow, 'verdict'>[]): Partial<Record<VerdictName, number>> {
  const counts: Partial<Record<VerdictName, number>> = {}
  for (const { verdict } of rows) counts[verdict] = (counts[verdict] ?? 0) + 1
  return counts
}
