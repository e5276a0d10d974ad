import type { DatabaseSync, SQLOutputValue } from 'node:sqlite'
import type { LedgerRow } from '../core/ledger.ts'
import type { TopicPartition } from '../core/position.ts'
import type { LedgerQuery, Member, Write } from './driver.ts'
import {
  BESIDE_COLUMNS,
  besideValues,
  LEDGER_COLUMNS,
  ledgerRowOf,
  ledgerValues,
  POSITION_COLUMNS,
  positionValues,
  revisionOf,
  ROW_COLUMNS,
  rowOf,
  type PositionRow,
  type RowHead,
} from './sqlite-rows.ts'
import { isOlder } from './sqlite-schema.ts'

/** What can be done in one connection's transaction; each SQL statement is prepared once. */
export interface Statements {
  position(group: string, partition: TopicPartition): PositionRow | undefined
  /** To be read to its end before anything is written. */
  positions(group: string): Iterable<PositionRow>
  head(group: string, partition: TopicPartition): RowHead | undefined
  /** Puts a write where `row` was read, and says which revision that makes. */
  put(group: string, write: Write, row: RowHead | undefined): string
  account(rows: readonly LedgerRow[]): void
  inLedger(group: string, partition: TopicPartition): boolean
  /** The partitions that the group's ledger names. */
  ledgerPartitions(group: string): TopicPartition[]
  ledger(query: LedgerQuery): LedgerRow[]
  groups(): string[]
  members(group: string): Member[]
  putMember(group: string, member: Member): void
  removeMember(group: string, memberId: string): void
}

/** Members unseen for a day are forgotten, ms. */
const FORGOTTEN_AFTER = 86_400_000

/** Prepares the statements of a connection to a file that has the tables. */
export function prepare(db: DatabaseSync): Statements {
  const groups = db.prepare('SELECT group_name AS name FROM positions UNION SELECT group_name FROM ledger')
  return {
    ...preparePositions(db),
    ...prepareLedger(db),
    ...prepareMembers(db),
    groups: () => groups.all().map(({ name }) => String(name)),
  }
}

function preparePositions(db: DatabaseSync): Pick<Statements, 'position' | 'positions' | 'head' | 'put'> {
  const columns = isOlder(db) ? ROW_COLUMNS.slice(0, -1) : ROW_COLUMNS
  const ofGroup = db.prepare(`SELECT ${columns.join(', ')} FROM positions WHERE group_name = ?`)
  const one = db.prepare(`${ofGroup.sourceSQL} AND topic = ? AND partition = ?`)
  for (const statement of [ofGroup, one]) statement.setReturnArrays(true)
  const head = db.prepare('SELECT id, revision, owner_epoch, owner FROM positions WHERE group_name = ? AND topic = ? AND partition = ?')
  for (const statement of [one, ofGroup, head]) statement.setReadBigInts(true)
  // Prepared when first used: tables of an older version, which are only read, lack columns.
  let puts: ReturnType<typeof preparePuts> | undefined
  return {
    position: (group, { topic, partition }) => {
      const values = one.get(group, topic, partition) as unknown as SQLOutputValue[] | undefined
      return values && rowOf(values)
    },
    *positions(group) {
      for (const values of ofGroup.iterate(group)) yield rowOf(values as unknown as SQLOutputValue[])
    },
    head: (group, { topic, partition }) => head.get(group, topic, partition) as RowHead | undefined,
    put(group, write, row) {
      puts ??= preparePuts(db)
      const { insert, updateAll, updateBeside } = puts
      const beside = besideValues(write)
      if (row === undefined) {
        const { lastInsertRowid } = insert.run(...beside, ...positionValues(write.position), group, write.topic, write.partition)
        return revisionOf({ id: BigInt(lastInsertRowid), revision: 1n })
      }
      if (write.position === undefined) updateBeside.run(...beside, row.id)
      else updateAll.run(...beside, ...positionValues(write.position), row.id)
      return revisionOf({ id: row.id, revision: row.revision + 1n })
    },
  }
}

function preparePuts(db: DatabaseSync) {
  const all = [...BESIDE_COLUMNS, ...POSITION_COLUMNS]
  const update = (columns: readonly string[]) =>
    db.prepare(`UPDATE positions SET ${columns.map((column) => `${column} = ?`).join(', ')}, revision = revision + 1 WHERE id = ?`)
  return {
    insert: db.prepare(insertInto('positions', [...all, 'group_name', 'topic', 'partition'])),
    updateAll: update(all),
    updateBeside: update(BESIDE_COLUMNS),
  }
}

function prepareLedger(db: DatabaseSync): Pick<Statements, 'account' | 'inLedger' | 'ledgerPartitions' | 'ledger'> {
  const insert = db.prepare(insertInto('ledger', LEDGER_COLUMNS))
  const some = db.prepare('SELECT 1 FROM ledger WHERE group_name = ? AND topic = ? AND partition = ? LIMIT 1')
  const named = db.prepare('SELECT DISTINCT topic, partition FROM ledger WHERE group_name = ?')
  const query = db.prepare(`SELECT ${LEDGER_COLUMNS.join(', ')} FROM ledger
    WHERE (:group IS NULL OR group_name = :group) AND (:topic IS NULL OR topic = :topic)
      AND (:partition IS NULL OR partition = :partition) AND (:since IS NULL OR at >= :since)
    ORDER BY at, id`)
  return {
    account: (rows) => {
      for (const row of rows) insert.run(...ledgerValues(row))
    },
    inLedger: (group, { topic, partition }) => some.get(group, topic, partition) !== undefined,
    ledgerPartitions: (group) => named.all(group) as unknown as TopicPartition[],
    ledger: ({ group = null, topic = null, partition = null, since = null }) =>
      query.all({ group, topic, partition, since }).map(ledgerRowOf),
  }
}

function prepareMembers(db: DatabaseSync): Pick<Statements, 'members' | 'putMember' | 'removeMember'> {
  const ofGroup = db.prepare('SELECT id, program, host, seen_at AS seenAt FROM members WHERE group_name = ?')
  const put = db.prepare(`${insertInto('members', ['group_name', 'id', 'program', 'host', 'seen_at'])}
    ON CONFLICT DO UPDATE SET program = excluded.program, host = excluded.host, seen_at = excluded.seen_at`)
  const remove = db.prepare('DELETE FROM members WHERE group_name = ? AND id = ?')
  const forget = db.prepare('DELETE FROM members WHERE seen_at < ?')
  return {
    members: (group) => ofGroup.all(group) as unknown as Member[],
    putMember: (group, { id, program, host, seenAt }) => {
      put.run(group, id, program, host, seenAt)
      forget.run(seenAt - FORGOTTEN_AFTER)
    },
    removeMember: (group, memberId) => void remove.run(group, memberId),
  }
}

function insertInto(table: string, columns: readonly string[]): string {
  return `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`
}
