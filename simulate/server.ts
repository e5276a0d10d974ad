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
  tamper(partition: TopicPartition, text: string | undefined): void {
    this.#memory.tamper(this.#group, partition, text)
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

  /** What was there before is read in the same turn as the write is made: nothing comes between. */
  async #save(client: Client, group: string, writes: readonly Write[]): Promise<WriteResult[]> {
    const [loading, saving] = [this.#memory.load(group, writes), this.#memory.save(group, writes)]
    const [before, results] = [await loading, await saving]
    for (const [index, write] of writes.entries()) {
      if (results[index]?.status !== 'saved') continue
      const asked = client.asked.get(keyOf(write)) ?? write
      this.#applied({ client, write, asked, before: before[index] as Custody })
    }
    return results
  }
}
