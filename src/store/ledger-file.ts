import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { LedgerRow } from '../core/ledger.ts'
import { keyOf, type TopicPartition } from '../core/position.ts'
import type { LedgerQuery, Write } from './driver.ts'
import { accessForReading, accessForWriting, type Access } from './sqlite-access.ts'
import { LEDGER_COLUMNS, ledgerRowOf, ledgerValues } from './sqlite-rows.ts'

/** A move that was announced and not confirmed: whoever announced it is at it, or died. */
export interface Intent extends TopicPartition {
  readonly group: string
  readonly saveId: string
  /** The revision that the move expected to find. */
  readonly expected: string
  /** When it was announced, ms since 1970. */
  readonly announcedAt: number
  readonly rows: readonly LedgerRow[]
}

/** What names a move. */
type Move = Pick<Intent, 'saveId' | 'topic' | 'partition' | 'expected'>

/** What became of an announced move, going by what is stored now. `unknown`: the offset was moved again since. */
export type Outcome = 'done' | 'not-done' | 'unknown'

/** Says what became of announced moves. */
export type Judge = (intents: readonly Intent[]) => Promise<readonly Outcome[]>

/**
 * The ledger of a store that has no room for one: a table in an SQLite file of Tidemark's. A move is announced before it is
 * made and confirmed after it, so that no move is without its row whenever the process dies.
 */
export interface LedgerFile {
  /** Announces moves: those writes that have ledger rows. */
  announce(group: string, writes: readonly Write[]): Promise<void>
  /** The moves are made. `note` is added to the evidence. */
  confirm(group: string, writes: readonly Write[], note?: string): Promise<void>
  /** The moves are not made, and never will be. */
  withdraw(writes: readonly Write[]): Promise<void>
  /** Settles the announced moves of a group that are left over, of processes that died: what `judge` says of them is written down. */
  settle(group: string, judge: Judge): Promise<void>
  /** The rows of moves that were made, oldest first; of announced ones those that `judge` does not find not done. */
  rows(query: LedgerQuery, judge: Judge): Promise<LedgerRow[]>
  /** The partitions of which the group's ledger has a move that was made. */
  partitions(group: string): Promise<TopicPartition[]>
  /** The groups that have rows. */
  groups(): Promise<string[]>
  close(): void
}

/** The file of the ledger where none is named. */
export const DEFAULT_LEDGER = './tidemark.db'

/** How long to wait for other programs' transactions on the file, ms. */
const LOCKED_MS = 5_000

/** An announced move that is not done yet may be on its way so long, ms; then its process is dead. */
const ON_ITS_WAY_MS = 300_000

const UNKNOWN_NOTE = 'it is not known whether this move was made: its process ended, and the offset was moved since'

/** `store` says whose moves they are: one file may hold those of several stores. Offsets are next offsets to read, times milliseconds since 1970. */
const TABLE = `
CREATE TABLE IF NOT EXISTS moves (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  store TEXT NOT NULL,
  save_id TEXT NOT NULL,
  expected TEXT NOT NULL,                             -- the revision that was to be found
  announced_at INTEGER NOT NULL,
  made INTEGER NOT NULL CHECK (made IN (0, 1)),       -- 0: announced and not confirmed
  at INTEGER NOT NULL,
  group_name TEXT NOT NULL,
  topic TEXT NOT NULL,
  partition INTEGER NOT NULL,
  verdict TEXT NOT NULL,
  action TEXT NOT NULL,
  from_offset INTEGER,
  to_offset INTEGER NOT NULL,
  skipped INTEGER,
  reread INTEGER NOT NULL,
  actor TEXT NOT NULL,
  evidence TEXT NOT NULL CHECK (json_type(evidence) = 'array')
) STRICT;
CREATE INDEX IF NOT EXISTS moves_by_partition ON moves (store, group_name, topic, partition);`

const COLUMNS = ['store', 'save_id', 'expected', 'announced_at', 'made', ...LEDGER_COLUMNS]

/**
 * The ledger of one store in a file. Creates nothing until something is announced; a file that is missing is an empty ledger.
 * @param path an absolute path
 * @param store whose moves: a text that names the store wherever it is opened
 */
export function openLedgerFile(path: string, store: string): LedgerFile {
  return new SqliteLedger(path, store)
}

class SqliteLedger implements LedgerFile {
  readonly #path: string
  readonly #store: string
  readonly #reading: Access
  #writing: Promise<Access> | undefined

  constructor(path: string, store: string) {
    this.#path = path
    this.#store = store
    this.#reading = accessForReading(path, LOCKED_MS)
  }

  async announce(group: string, writes: readonly Write[]): Promise<void> {
    const moves = movesIn(writes)
    if (moves.length === 0) return
    await this.#write((db) => {
      for (const move of moves) this.#put(db, group, move, move.ledger, 0)
    })
  }

  async confirm(group: string, writes: readonly Write[], note?: string): Promise<void> {
    const moves = movesIn(writes)
    if (moves.length === 0) return
    await this.#write((db) => {
      for (const move of moves) this.#put(db, group, move, noted(move.ledger, note), 1)
    })
  }

  async withdraw(writes: readonly Write[]): Promise<void> {
    const moves = movesIn(writes)
    if (moves.length === 0) return
    await this.#write((db) => {
      for (const move of moves) this.#remove(db, move)
    })
  }

  async settle(group: string, judge: Judge): Promise<void> {
    const intents = await this.#intents({ group })
    if (intents.length === 0) return
    const outcomes = await judge(intents)
    await this.#write((db) => {
      for (const [index, intent] of intents.entries()) this.#settleOne(db, intent, outcomes[index])
    })
  }

  async rows(query: LedgerQuery, judge: Judge): Promise<LedgerRow[]> {
    const intents = await this.#intents(query)
    const outcomes = intents.length === 0 ? [] : await judge(intents)
    // Read after judging: a move that was confirmed meanwhile is among them, and counts once.
    const made = await this.#read((db) => this.#select(db, query, 1), [])
    const confirmed = new Set(made.map((row) => row.saveId + keyOf(row)))
    const found = intents.flatMap((intent, index) => {
      if (confirmed.has(intent.saveId + keyOf(intent)) || outcomes[index] === 'not-done') return []
      return noted(intent.rows, outcomes[index] === 'unknown' ? UNKNOWN_NOTE : undefined)
    })
    return [...made.flatMap(({ rows }) => rows), ...found].toSorted((a, b) => a.at - b.at)
  }

  partitions(group: string): Promise<TopicPartition[]> {
    const sql = 'SELECT DISTINCT topic, partition FROM moves WHERE store = ? AND group_name = ? AND made = 1'
    const found = (db: DatabaseSync) => db.prepare(sql).all(this.#store, group)
    return this.#read((db) => found(db).map(({ topic, partition }) => ({ topic: String(topic), partition: Number(partition) })), [])
  }

  groups(): Promise<string[]> {
    const sql = 'SELECT DISTINCT group_name AS name FROM moves WHERE store = ?'
    return this.#read(
      (db) =>
        db
          .prepare(sql)
          .all(this.#store)
          .map(({ name }) => String(name)),
      [],
    )
  }

  close(): void {
    this.#reading.close()
    void this.#writing?.then((access) => access.close()).catch(() => {}) // one that could not be opened has nothing to close
  }

  async #intents(query: LedgerQuery): Promise<Intent[]> {
    return this.#read((db) => this.#select(db, query, 0), [])
  }

  /** Moves with their rows, in the order in which they were announced. */
  #select(db: DatabaseSync, query: LedgerQuery, made: 0 | 1): Intent[] {
    const { group, topic, partition, since } = query
    const found = db
      .prepare(
        `SELECT * FROM moves WHERE store = :store AND made = :made AND (:group IS NULL OR group_name = :group)
           AND (:topic IS NULL OR topic = :topic) AND (:partition IS NULL OR partition = :partition) AND (:since IS NULL OR at >= :since)
         ORDER BY at, id`,
      )
      .all({ store: this.#store, made, group: group ?? null, topic: topic ?? null, partition: partition ?? null, since: since ?? null })
    const byMove = Map.groupBy(
      found,
      ({ save_id, topic: name, partition: number }) => `${String(save_id)} ${String(name)} ${String(number)}`,
    )
    return [...byMove.values()].map((rows) => intentOf(rows as [Record<string, unknown>]))
  }

  #put(db: DatabaseSync, group: string, move: Move, rows: readonly LedgerRow[], made: 0 | 1): void {
    this.#remove(db, move)
    const insert = db.prepare(`INSERT INTO moves (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map(() => '?').join(', ')})`)
    const head: SQLInputValue[] = [this.#store, move.saveId, move.expected, Date.now(), made]
    for (const row of rows) insert.run(...head, ...ledgerValues({ ...row, group }))
  }

  #remove(db: DatabaseSync, { saveId, topic, partition }: Move): void {
    db.prepare('DELETE FROM moves WHERE store = ? AND save_id = ? AND topic = ? AND partition = ?').run(
      this.#store,
      saveId,
      topic,
      partition,
    )
  }

  /** Its own process may have confirmed or withdrawn it meanwhile, and knows better. */
  #settleOne(db: DatabaseSync, intent: Intent, outcome: Outcome | undefined): void {
    const { saveId, topic, partition } = intent
    const isOpen = 'SELECT 1 FROM moves WHERE store = ? AND save_id = ? AND topic = ? AND partition = ? AND made = 0'
    if (db.prepare(isOpen).get(this.#store, saveId, topic, partition) === undefined) return
    if (outcome === 'not-done') {
      if (Date.now() - intent.announcedAt > ON_ITS_WAY_MS) this.#remove(db, intent)
      return
    }
    const rows = noted(intent.rows, outcome === 'unknown' ? UNKNOWN_NOTE : undefined)
    this.#put(db, intent.group, intent, rows, 1)
  }

  /** The answer of a file that has no moves yet, or is not there, is `empty`. */
  #read<T>(work: (db: DatabaseSync) => T, empty: T): Promise<T> {
    const isThere = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'moves'"
    return this.#reading.read((_, db) => (db.prepare(isThere).get() === undefined ? empty : work(db)), empty)
  }

  async #write(work: (db: DatabaseSync) => void): Promise<void> {
    this.#writing ??= accessForWriting(this.#path, LOCKED_MS).catch((error: unknown) => {
      this.#writing = undefined
      throw error
    })
    const access = await this.#writing
    await access.write((_, db) => {
      db.exec(TABLE)
      work(db)
    })
  }
}

/** Ordinary progress has no rows, and is no move. */
function movesIn(writes: readonly Write[]): Write[] {
  return writes.filter(({ ledger }) => ledger.length > 0)
}

function intentOf(rows: readonly [Record<string, unknown>, ...Record<string, unknown>[]]): Intent {
  const { store: _store, save_id, expected, announced_at } = rows[0]
  const ledger = rows.map(ledgerRowOf)
  const { group, topic, partition } = ledger[0] as LedgerRow
  return { group, topic, partition, saveId: String(save_id), expected: String(expected), announcedAt: Number(announced_at), rows: ledger }
}

function noted(rows: readonly LedgerRow[], note: string | undefined): readonly LedgerRow[] {
  return note === undefined ? rows : rows.map((row) => ({ ...row, evidence: [...row.evidence, note] }))
}
