import { randomUUID } from 'node:crypto'
import type { OffsetRange, Store, Write } from '../src/index.ts'

/** The partitions of one batch. */
export const PARTITIONS = 8
/** Records of each partition in one batch. */
const PER_BATCH = 1250
const TOPIC = 'orders'
const OWNER = 'host-4711-0a1b2c3d'

/** Saves batch after batch into a store as a running job does: what it holds of each partition comes from its own last write. */
export class Saver {
  readonly #store: Store
  readonly #group: string
  readonly #revisions: string[] = []
  #offset = 0

  constructor(store: Store, group: string) {
    this.#store = store
    this.#group = group
  }

  /** Takes the partitions. */
  async open(): Promise<void> {
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: TOPIC, partition }))
    for (const { partition, revision } of await this.#store.load(this.#group, partitions)) this.#revisions[partition] = revision
    await this.together()
  }

  /** A batch as a job saves it: the offsets, and in the same writes the range of the batch after it. */
  async together(): Promise<void> {
    const done = this.#range(0)
    const next = this.#range(1)
    await this.#save((partition) => ({ ...position(partition, done), planned: next }))
    this.#offset = done.untilOffset
  }

  /** A batch that is the first one, or the last for a while: its range is planned, and then its offsets are saved. */
  async apart(): Promise<void> {
    const done = this.#range(0)
    await this.#save(() => ({ planned: done }))
    await this.#save((partition) => position(partition, done))
    this.#offset = done.untilOffset
  }

  async #save(put: (partition: number) => Partial<Write>): Promise<void> {
    const writes = this.#revisions.map((expected, partition): Write => {
      return { topic: TOPIC, partition, expected, ownerEpoch: 1, owner: OWNER, saveId: randomUUID(), ledger: [], ...put(partition) }
    })
    for (const [partition, result] of (await this.#store.save(this.#group, writes)).entries()) {
      if (result.status !== 'saved') throw new Error(`the save of partition ${partition} was ${result.status}`)
      this.#revisions[partition] = result.revision
    }
  }

  #range(ahead: number): Pick<OffsetRange, 'fromOffset' | 'untilOffset'> {
    const fromOffset = this.#offset + ahead * PER_BATCH
    return { fromOffset, untilOffset: fromOffset + PER_BATCH }
  }
}

function position(partition: number, { untilOffset }: { untilOffset: number }): Pick<Write, 'position'> {
  const now = Date.now()
  return {
    position: {
      offset: untilOffset,
      topicId: 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6',
      clusterId: 'MkU3OEVBNTcwNTJENDM2Qg',
      leaderEpoch: 3,
      epochs: [{ epoch: 3, startOffset: partition }],
      recordTime: now - 1000,
      commitTime: now,
      committedBy: OWNER,
    },
  }
}
