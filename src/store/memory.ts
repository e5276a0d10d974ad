import type { Custody, Planned, Stored, Trace } from '../core/custody.ts'
import type { LedgerRow } from '../core/ledger.ts'
import { keyOf, type TopicPartition } from '../core/position.ts'
import type { Capabilities, LedgerQuery, Member, StoreDriver, Write, WriteResult } from './driver.ts'
import { storedText, withoutAbsent } from './stored.ts'

const capabilities: Capabilities = {
  durable: false,
  shared: false,
  anyGroupName: true,
  bareNumber: false,
  transactions: false,
  progress: true,
  members: true,
  compareAndSet: true,
  groups: true,
}

/** The revision of a partition of which nothing is kept. */
const NO_REVISION = 'none'

/** What is kept of one partition. */
interface Row extends TopicPartition {
  readonly stored: Stored
  readonly planned?: Planned | undefined
  readonly ownerEpoch: number
  readonly owner?: string | undefined
  readonly saveId?: string | undefined
  readonly revision: string
}

/** What all handles on one name share. */
interface Contents {
  /** Rows by group, then by `topic-partition`. */
  readonly groups: Map<string, Map<string, Row>>
  /** Members by group, then by ID. */
  readonly members: Map<string, Map<string, Member>>
  readonly ledger: LedgerRow[]
  /** Counts changes, and so makes revisions that never come back. */
  changes: number
}

const named = new Map<string, Contents>()

/** Opens `memory:NAME`, which all that open the same name in this process share, or `memory:`, which is empty and one's own. */
export async function openMemory(url: string): Promise<MemoryStore> {
  const name = url.slice('memory:'.length)
  const contents = named.get(name) ?? { groups: new Map(), members: new Map(), ledger: [], changes: 0 }
  if (name !== '') named.set(name, contents)
  return new MemoryStore(contents)
}

/** A store that ends with the process: for tests, simulations and jobs that need no more. */
export class MemoryStore implements StoreDriver {
  readonly capabilities: Capabilities = capabilities
  readonly #contents: Contents

  constructor(contents: Contents) {
    this.#contents = contents
  }

  async load(group: string, partitions?: readonly TopicPartition[]): Promise<Custody[]> {
    return structuredClone((partitions ?? this.#known(group)).map((partition) => this.#custody(group, partition)))
  }

  async save(group: string, writes: readonly Write[]): Promise<WriteResult[]> {
    return structuredClone(writes.map((write) => this.#apply(group, structuredClone(write))))
  }

  async groups(): Promise<string[]> {
    const stored = [...this.#contents.groups].filter(([, rows]) => rows.size > 0).map(([group]) => group)
    return [...new Set([...stored, ...this.#contents.ledger.map(({ group }) => group)])]
  }

  async ledger({ group, topic, partition, since }: LedgerQuery): Promise<LedgerRow[]> {
    const rows = this.#contents.ledger.filter(
      (row) =>
        (group === undefined || row.group === group) &&
        (topic === undefined || row.topic === topic) &&
        (partition === undefined || row.partition === partition) &&
        (since === undefined || row.at >= since),
    )
    return structuredClone(rows.toSorted((a, b) => a.at - b.at))
  }

  async heartbeat(group: string, member: Member): Promise<void> {
    inner(this.#contents.members, group).set(member.id, { ...member })
  }

  async leave(group: string, memberId: string): Promise<void> {
    this.#contents.members.get(group)?.delete(memberId)
  }

  async members(group: string): Promise<Member[]> {
    return structuredClone([...(this.#contents.members.get(group)?.values() ?? [])])
  }

  async close(): Promise<void> {}

  /**
   * For tests: does to one partition what another program might do behind Tidemark's back. Puts `text` where the offset is,
   * or with undefined removes all that is kept of the partition; its ledger rows stay.
   */
  tamper(group: string, partition: TopicPartition, text: string | undefined): void {
    const rows = inner(this.#contents.groups, group)
    if (text === undefined) rows.delete(keyOf(partition))
    else this.#put(group, { ...this.#custody(group, partition), stored: storedText(text), planned: undefined, saveId: undefined })
  }

  #apply(group: string, write: Write): WriteResult {
    const { topic, partition, expected, planned, ownerEpoch, owner, saveId } = write
    const found = this.#custody(group, write)
    if (found.ownerEpoch > ownerEpoch) return { status: 'fenced', ownerEpoch: found.ownerEpoch, owner: found.owner }
    if (found.revision !== expected) return { status: 'changed', found }
    const stored: Stored = write.position === undefined ? found.stored : { state: 'position', position: withoutAbsent(write.position) }
    const revision = this.#put(group, { topic, partition, stored, planned, ownerEpoch, owner, saveId })
    this.#contents.ledger.push(...write.ledger)
    return { status: 'saved', revision }
  }

  #put(group: string, row: Omit<Row, 'revision'>): string {
    this.#contents.changes += 1
    const revision = String(this.#contents.changes)
    inner(this.#contents.groups, group).set(keyOf(row), { ...row, revision })
    return revision
  }

  #custody(group: string, { topic, partition }: TopicPartition): Custody {
    const row = this.#contents.groups.get(group)?.get(keyOf({ topic, partition }))
    const custody: Custody = row ?? { topic, partition, stored: { state: 'absent' }, ownerEpoch: 0, revision: NO_REVISION }
    const trace = custody.stored.state === 'absent' ? this.#trace(group, custody) : undefined
    return { ...custody, trace }
  }

  #trace(group: string, { topic, partition, planned }: Custody): Trace | undefined {
    if (planned !== undefined) return 'planned'
    const inLedger = this.#contents.ledger.some((row) => row.group === group && row.topic === topic && row.partition === partition)
    return inLedger ? 'ledger' : undefined
  }

  /** The partitions that the group has stored, or that its ledger names. */
  #known(group: string): TopicPartition[] {
    const rows: TopicPartition[] = this.#contents.ledger.filter((row) => row.group === group)
    return [...new Map([...rows, ...(this.#contents.groups.get(group)?.values() ?? [])].map((row) => [keyOf(row), row])).values()]
  }
}

function inner<T>(outer: Map<string, Map<string, T>>, group: string): Map<string, T> {
  const found = outer.get(group) ?? new Map<string, T>()
  outer.set(group, found)
  return found
}
