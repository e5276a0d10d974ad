import type { SQLInputValue, SQLOutputValue } from 'node:sqlite'
import type { Custody, Stored, Trace } from '../core/custody.ts'
import type { LedgerRow } from '../core/ledger.ts'
import type { EpochStart, Position, TopicPartition } from '../core/position.ts'
import type { Write } from './driver.ts'
import { corrupt, storedText, withoutAbsent } from './stored.ts'

/** What a save looks at in a row of `positions`. */
export interface RowHead {
  readonly id: bigint
  readonly revision: bigint
  readonly owner_epoch: bigint
  readonly owner: string | null
}

/** A row of `positions`. Integers come as bigints, so that no value of another program's makes reading fail. */
export interface PositionRow extends RowHead {
  readonly topic: string
  readonly partition: bigint
  readonly committed_offset: SQLOutputValue
  readonly leader_epoch: bigint | null
  readonly epochs: string | null
  readonly topic_id: string | null
  readonly cluster_id: string | null
  readonly record_time: bigint | null
  readonly commit_time: bigint | null
  readonly committed_by: string | null
  /** undefined: tables of version 1, which are only read. */
  readonly assumed_since: bigint | null | undefined
  readonly planned_from: bigint | null
  readonly planned_until: bigint | null
  readonly save_id: string | null
}

/** The revision of a partition that has no row. */
const NO_ROW = 'none'

/** The columns that a position fills, and those that every write fills, in the order of the functions below. */
export const POSITION_COLUMNS = [
  'committed_offset',
  'leader_epoch',
  'epochs',
  'topic_id',
  'cluster_id',
  'record_time',
  'commit_time',
  'committed_by',
  'assumed_since',
]
export const BESIDE_COLUMNS = ['planned_from', 'planned_until', 'owner_epoch', 'owner', 'save_id']

/** What is read of a row, in the order of {@link rowOf}. The last one is not there in tables of version 1. */
export const ROW_COLUMNS = ['id', 'revision', 'topic', 'partition', ...BESIDE_COLUMNS, ...POSITION_COLUMNS]

/** A row that was read as an array: of a group's ten thousand, SQLite makes arrays in half the time that objects take. */
export function rowOf(values: readonly SQLOutputValue[]): PositionRow {
  return {
    id: values[0],
    revision: values[1],
    topic: values[2],
    partition: values[3],
    planned_from: values[4],
    planned_until: values[5],
    owner_epoch: values[6],
    owner: values[7],
    save_id: values[8],
    committed_offset: values[9],
    leader_epoch: values[10],
    epochs: values[11],
    topic_id: values[12],
    cluster_id: values[13],
    record_time: values[14],
    commit_time: values[15],
    committed_by: values[16],
    assumed_since: values[17],
  } as PositionRow
}

/** Names a row as it was read. */
export function revisionOf(row: Pick<RowHead, 'id' | 'revision'> | undefined): string {
  return row === undefined ? NO_ROW : `${row.id}.${row.revision}`
}

/** What a row, or its absence, says of a partition. `inLedger` is asked only where nothing is stored. */
export function custodyOf({ topic, partition }: TopicPartition, row: PositionRow | undefined, inLedger: () => boolean): Custody {
  if (row === undefined) {
    return { topic, partition, stored: { state: 'absent' }, trace: inLedger() ? 'ledger' : undefined, ownerEpoch: 0, revision: NO_ROW }
  }
  const stored = storedIn(row)
  const planned =
    row.planned_from === null || row.planned_until === null
      ? undefined
      : { fromOffset: Number(row.planned_from), untilOffset: Number(row.planned_until) }
  return {
    topic,
    partition,
    stored,
    trace: stored.state === 'absent' ? traceIn(row, inLedger) : undefined,
    planned,
    ownerEpoch: Number(row.owner_epoch),
    owner: row.owner ?? undefined,
    saveId: row.save_id ?? undefined,
    revision: revisionOf(row),
  }
}

function storedIn(row: PositionRow): Stored {
  const value = row.committed_offset
  if (value === null) return { state: 'absent' }
  if (value instanceof Uint8Array) return corrupt(Buffer.from(value).toString(), 'it is a blob')
  const stored = storedText(String(value))
  if (stored.state === 'corrupt') return stored
  try {
    return { state: 'position', position: positionIn(stored.position.offset, row) }
  } catch {
    return corrupt(String(row.epochs), 'its epochs can’t be read')
  }
}

function positionIn(offset: number, row: PositionRow): Position {
  const position = withoutAbsent({
    offset,
    leaderEpoch: toNumber(row.leader_epoch),
    epochs: row.epochs === null ? undefined : epochsIn(row.epochs),
    topicId: row.topic_id ?? undefined,
    clusterId: row.cluster_id ?? undefined,
    recordTime: toNumber(row.record_time),
    commitTime: toNumber(row.commit_time),
    committedBy: row.committed_by ?? undefined,
  })
  return row.assumed_since == null ? position : { ...position, assumedSince: Number(row.assumed_since) }
}

/** An emptied offset leaves its identity in the row, as if in a sidecar. */
function traceIn(row: PositionRow, inLedger: () => boolean): Trace | undefined {
  if (row.planned_from !== null) return 'planned'
  if ([row.epochs, row.leader_epoch, row.topic_id, row.cluster_id, row.commit_time].some((value) => value !== null)) return 'sidecar'
  return inLedger() ? 'ledger' : undefined
}

function toNumber(value: bigint | null): number | undefined {
  return value === null ? undefined : Number(value)
}

/** The last text and what it says: of a group's partitions most have the same epochs. */
let read: { readonly text: string; readonly epochs: readonly EpochStart[] } | undefined

function epochsIn(text: string): readonly EpochStart[] {
  if (read?.text !== text) read = { text, epochs: (JSON.parse(text) as [number, number][]).map(toEpochStart) }
  return read.epochs
}

function toEpochStart([epoch, startOffset]: [number, number]): EpochStart {
  return { epoch, startOffset }
}

/** What every write fills, in the order of {@link BESIDE_COLUMNS}. */
export function besideValues({ planned, ownerEpoch, owner, saveId }: Write): SQLInputValue[] {
  return [planned?.fromOffset ?? null, planned?.untilOffset ?? null, ownerEpoch, owner ?? null, saveId]
}

/** A position's values, in the order of {@link POSITION_COLUMNS}. */
export function positionValues(position: Position | undefined): SQLInputValue[] {
  if (position === undefined) return POSITION_COLUMNS.map(() => null)
  const { offset, leaderEpoch, epochs, topicId, clusterId, recordTime, commitTime, committedBy, assumedSince } = position
  const pairs = epochs === undefined ? null : JSON.stringify(epochs.map(({ epoch, startOffset }) => [epoch, startOffset]))
  // As a bigint: a column of type ANY would keep a JavaScript number as a floating-point one.
  const values = [BigInt(offset), leaderEpoch, pairs, topicId, clusterId, recordTime, commitTime, committedBy, assumedSince]
  return values.map((value) => value ?? null)
}

/** The columns of `ledger` but its ID, in the order in which rows are put. */
export const LEDGER_COLUMNS = [
  'at',
  'group_name',
  'topic',
  'partition',
  'verdict',
  'action',
  'from_offset',
  'to_offset',
  'skipped',
  'reread',
  'actor',
  'evidence',
]

/** A ledger row's values, in the order of {@link LEDGER_COLUMNS}. */
export function ledgerValues({
  at,
  group,
  topic,
  partition,
  verdict,
  action,
  from,
  to,
  skipped,
  reread,
  actor,
  evidence,
}: LedgerRow): SQLInputValue[] {
  return [at, group, topic, partition, verdict, action, from, to, skipped, reread, actor, JSON.stringify(evidence)]
}

/** A row of `ledger` as it was put. */
export function ledgerRowOf(row: Record<string, unknown>): LedgerRow {
  const {
    group_name: group,
    from_offset: from,
    to_offset: to,
    evidence,
    at,
    topic,
    partition,
    verdict,
    action,
    skipped,
    reread,
    actor,
  } = row
  return {
    at,
    group,
    topic,
    partition,
    verdict,
    action,
    from,
    to,
    skipped,
    reread,
    actor,
    evidence: JSON.parse(String(evidence)),
  } as LedgerRow
}
