import type { Custody } from '../core/custody.ts'
import type { LedgerRow } from '../core/ledger.ts'
import { keyOf, type TopicPartition } from '../core/position.ts'
import type { Capabilities, DriverOptions, LedgerQuery, Member, StoreDriver, TransactResult, Write, WriteResult } from './driver.ts'
import { accessForReading, accessForWriting, type Access } from './sqlite-access.ts'
import { pathOf } from './sqlite-file.ts'
import { custodyOf, revisionOf } from './sqlite-rows.ts'
import type { Statements } from './sqlite-statements.ts'

const capabilities: Capabilities = {
  durable: true,
  shared: true,
  anyGroupName: true,
  bareNumber: false,
  transactions: true,
  progress: true,
  members: true,
  compareAndSet: true,
  groups: true,
}

/** How long to wait for other programs' transactions at most, ms. */
const LOCKED_MS = 5_000

/**
 * Opens `sqlite:./relative.db`, `sqlite:/absolute.db` or `sqlite:///absolute.db`, a file that several processes may use at once.
 * In `read` mode it creates nothing: a file that is missing is an empty store.
 * @throws TidemarkError USAGE, STORE_NOT_FOUND (no such directory), STORE_DENIED, STORE_CORRUPT (damaged, another program's, a newer
 * Tidemark's), STORE_UNREACHABLE (locked).
 */
export async function openSqlite(url: string, { mode, timeoutMs }: DriverOptions): Promise<StoreDriver> {
  const path = pathOf(url)
  // Less than the half of the time-out that an attempt gets, so that it is the store that says that it is locked, and not the caller who lost patience.
  const patience = Math.min(LOCKED_MS, timeoutMs / 3)
  if (mode === 'write') return new SqliteStore(await accessForWriting(path, patience))
  const access = accessForReading(path, patience)
  await access.read(() => undefined, undefined)
  return new SqliteStore(access)
}

class SqliteStore implements StoreDriver {
  readonly capabilities = capabilities
  readonly #access: Access

  constructor(access: Access) {
    this.#access = access
  }

  load(group: string, partitions?: readonly TopicPartition[]): Promise<Custody[]> {
    if (partitions === undefined) return this.#access.read((statements) => loadGroup(statements, group), [])
    return this.#access.read(
      (statements) => partitions.map((partition) => loadOne(statements, group, partition)),
      partitions.map((partition) => custodyOf(partition, undefined, () => false)),
    )
  }

  save(group: string, writes: readonly Write[]): Promise<WriteResult[]> {
    return this.#access.write((statements) => writes.map((write) => apply(statements, group, write)))
  }

  async transact(group: string, writes: readonly Write[], work: (transaction: unknown) => Promise<void>): Promise<TransactResult> {
    try {
      return await this.#access.transact(async (statements, db) => {
        const results = writes.map((write) => apply(statements, group, write))
        if (results.some(({ status }) => status !== 'saved')) throw new Refused(results)
        await work(db)
        return { status: 'saved', revisions: results.map((result) => (result.status === 'saved' ? result.revision : '')) }
      })
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      return outcomeOf(writes, error.results)
    }
  }

  groups(): Promise<string[]> {
    return this.#access.read((statements) => statements.groups(), [])
  }

  ledger(query: LedgerQuery): Promise<LedgerRow[]> {
    return this.#access.read((statements) => statements.ledger(query), [])
  }

  heartbeat(group: string, member: Member): Promise<void> {
    return this.#access.write((statements) => statements.putMember(group, member))
  }

  leave(group: string, memberId: string): Promise<void> {
    return this.#access.write((statements) => statements.removeMember(group, memberId))
  }

  members(group: string): Promise<Member[]> {
    return this.#access.read((statements) => statements.members(group), [])
  }

  async close(): Promise<void> {
    this.#access.close()
  }
}

/** Rolls a transaction back before its work is begun. */
class Refused extends Error {
  readonly results: readonly WriteResult[]

  constructor(results: readonly WriteResult[]) {
    super('a write was refused')
    this.results = results
  }
}

/** A transaction whose every write is found done was committed before. */
function outcomeOf(writes: readonly Write[], results: readonly WriteResult[]): TransactResult {
  const done = results.map(
    (result, index) => result.status === 'changed' && result.found.saveId === writes[index]?.saveId && result.found.revision,
  )
  if (done.every((revision) => typeof revision === 'string')) return { status: 'saved', revisions: done }
  return { status: 'refused', results: results.map((result) => (result.status === 'saved' ? undefined : result)) }
}

function loadOne(statements: Statements, group: string, partition: TopicPartition): Custody {
  return custodyOf(partition, statements.position(group, partition), () => statements.inLedger(group, partition))
}

function loadGroup(statements: Statements, group: string): Custody[] {
  const custodies: Custody[] = []
  let topic = ''
  for (const row of statements.positions(group)) {
    // One string for all partitions of a topic, which is quicker to compare and to look up than one for each.
    if (row.topic !== topic) topic = row.topic
    const partition = { topic, partition: Number(row.partition) }
    custodies.push(custodyOf(partition, row, () => statements.inLedger(group, partition)))
  }
  const named = statements.ledgerPartitions(group)
  if (named.length === 0) return custodies
  const known = new Set(custodies.map(keyOf))
  const lost = named.filter((partition) => !known.has(keyOf(partition)))
  return [...custodies, ...lost.map((partition) => custodyOf(partition, undefined, () => true))]
}

/** The fence, the comparison and the change: all inside one transaction that no other writer can enter. */
function apply(statements: Statements, group: string, write: Write): WriteResult {
  const row = statements.head(group, write)
  if (row !== undefined && row.owner_epoch > write.ownerEpoch) {
    return { status: 'fenced', ownerEpoch: Number(row.owner_epoch), owner: row.owner ?? undefined }
  }
  if (revisionOf(row) !== write.expected) return { status: 'changed', found: loadOne(statements, group, write) }
  const revision = statements.put(group, write, row)
  statements.account(write.ledger)
  return { status: 'saved', revision }
}
