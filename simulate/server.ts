import { keyOf, type TopicPartition } from '../src/core/position.ts'
import type { Custody } from '../src/core/custody.ts'
import type { LedgerQuery, Member, StoreDriver, Write, WriteResult } from '../src/store/driver.ts'
import { openMemory, type MemoryStore } from '../src/store/memory.ts'
import type { Applied, Client } from './witness.ts'

/** The store itself, as it is when no network is between: what reaches it is applied, and seen by all who watch. */
export class Server {
  readonly #memory: MemoryStore
  readonly #applied: (applied: Applied) => void
  readonly #group: string
  /** What is stored, as the writes left it. */
  readonly #kept = new Map<string, Custody>()

  private constructor(memory: MemoryStore, group: string, applied: (applied: Applied) => void) {
    this.#memory = memory
    this.#group = group
    this.#applied = applied
  }

  /** An empty one. */
  static async open(group: string, applied: (applied: Applied) => void): Promise<Server> {
    return new Server(await openMemory('memory:'), group, applied)
  }

  /** What is stored now. */
  load(partitions?: readonly TopicPartition[]): Promise<Custody[]> {
    return this.#memory.load(this.#group, partitions)
  }

  members(): Promise<Member[]> {
    return this.#memory.members(this.#group)
  }

  /** Another program writes a bare number, or whatever it takes for one; with undefined it removes all that is kept of the partition. */
  async tamper(partition: TopicPartition, text: string | undefined): Promise<void> {
    this.#memory.tamper(this.#group, partition, text)
    const [custody] = await this.load([partition])
    if (custody !== undefined) this.#kept.set(keyOf(partition), custody)
  }

  /** The driver of one client. */
  driverFor(client: Client): StoreDriver {
    const memory = this.#memory
    return {
      capabilities: { ...memory.capabilities, shared: true },
      load: (group: string, partitions?: readonly TopicPartition[]) => memory.load(group, partitions),
      save: (group: string, writes: readonly Write[]) => this.#save(client, group, writes),
      groups: () => memory.groups(),
      ledger: (query: LedgerQuery) => memory.ledger(query),
      heartbeat: (group: string, member: Member) => memory.heartbeat(group, member),
      leave: (group: string, id: string) => memory.leave(group, id),
      members: (group: string) => memory.members(group),
      close: async () => {},
    }
  }

  async #save(client: Client, group: string, writes: readonly Write[]): Promise<WriteResult[]> {
    const results = await this.#memory.save(group, writes)
    for (const [index, write] of writes.entries()) {
      const result = results[index]
      if (result?.status !== 'saved') continue
      const before = this.#now(write)
      const asked = client.asked.get(write.saveId) ?? write
      this.#kept.set(keyOf(write), after(before, write, result.revision))
      this.#applied({ client, write, asked, before })
    }
    return results
  }

  #now({ topic, partition }: TopicPartition): Custody {
    return this.#kept.get(keyOf({ topic, partition })) ?? { topic, partition, stored: { state: 'absent' }, ownerEpoch: 0, revision: 'none' }
  }
}

function after(before: Custody, { position, planned, ownerEpoch, owner, saveId }: Write, revision: string): Custody {
  const stored: Custody['stored'] = position === undefined ? before.stored : { state: 'position', position }
  return { ...before, stored, planned, ownerEpoch, owner, saveId, revision }
}
