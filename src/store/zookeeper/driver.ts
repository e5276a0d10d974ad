import type { Custody } from '../../core/custody.ts'
import type { LedgerRow } from '../../core/ledger.ts'
import { keyOf, type TopicPartition } from '../../core/position.ts'
import type { Capabilities, DriverOptions, LedgerQuery, Member, StoreDriver, Write, WriteResult } from '../driver.ts'
import { readLedger } from './ledger.ts'
import { Members } from './members.ts'
import { missingChroot, Parents } from './parents.ts'
import { assertName, pathsUnder, type Paths } from './paths.ts'
import { mapInFlight } from './pool.ts'
import { readPartitions, type Wanted } from './reading.ts'
import { save } from './save.ts'
import { Session } from './session.ts'
import { parseUrl } from './url.ts'

const capabilities: Capabilities = { durable: true, shared: true, anyGroupName: false, bareNumber: true, transactions: false }

/** Opens `zookeeper://h1:2181,h2:2181/chroot?layout=classic`. @throws TidemarkError STORE_NOT_FOUND where the chroot does not exist. */
export async function openZookeeper(url: string, { timeoutMs }: DriverOptions): Promise<StoreDriver> {
  const { chroot, ...where } = parseUrl(url)
  const session = new Session({ ...where, timeoutMs })
  try {
    await session.open()
    if (chroot !== '' && (await session.exists(chroot)) === undefined) throw missingChroot(chroot)
  } catch (error) {
    await session.close()
    throw error
  }
  return new ClassicStore(session, pathsUnder(chroot), timeoutMs)
}

/**
 * The classic layout: each number where the old ZooKeeper consumer keeps it and as it writes it, so that the old job goes
 * on from it without Tidemark; what Tidemark knows besides in a sidecar, written in the same multi. See paths.ts, reading.ts, save.ts.
 */
export class ClassicStore implements StoreDriver {
  readonly capabilities: Capabilities = capabilities
  readonly #session: Session
  readonly #paths: Paths
  readonly #timeoutMs: number
  readonly #parents: Parents
  readonly #members: Members

  constructor(session: Session, paths: Paths, timeoutMs: number) {
    this.#session = session
    this.#paths = paths
    this.#timeoutMs = timeoutMs
    this.#parents = new Parents(session, paths)
    this.#members = new Members(session, paths, this.#parents)
  }

  async load(group: string, partitions?: readonly TopicPartition[]): Promise<Custody[]> {
    assertName(group)
    const wanted = partitions ?? (await this.#known(group))
    const readings = await readPartitions(this.#session, this.#paths, group, wanted)
    return this.#withLedgerTraces(
      group,
      readings.map(({ custody }) => custody),
    )
  }

  async save(group: string, writes: readonly Write[]): Promise<WriteResult[]> {
    // The wrapper gives a save up at half its time-out, and what is written after that would surprise its caller.
    assertName(group)
    const latest = Date.now() + this.#timeoutMs / 2
    return save({ session: this.#session, paths: this.#paths, parents: this.#parents, group, latest }, writes)
  }

  /** Groups with an `offsets` folder, which those that keep their offsets in Kafka lack, and groups that Tidemark knows something of. */
  async groups(): Promise<string[]> {
    const { consumers, tidemark, offsets, positions, ledger } = this.#paths
    const [theirs, ours] = await Promise.all([this.#namesWith(consumers, [offsets]), this.#namesWith(tidemark, [positions, ledger])])
    return [...new Set([...theirs, ...ours])]
  }

  async ledger(query: LedgerQuery): Promise<LedgerRow[]> {
    if (query.group !== undefined) assertName(query.group)
    return readLedger(this.#session, this.#paths, query)
  }

  async heartbeat(group: string, member: Member): Promise<void> {
    assertName(group)
    return this.#members.heartbeat(group, member)
  }

  async leave(group: string, memberId: string): Promise<void> {
    assertName(group)
    return this.#members.leave(group, memberId)
  }

  async members(group: string): Promise<Member[]> {
    assertName(group)
    return this.#members.list(group)
  }

  close(): Promise<void> {
    return this.#session.close()
  }

  /** The partitions that the group has in either tree, or that only its ledger names. */
  async #known(group: string): Promise<Wanted[]> {
    const [values, sidecars, rows] = await Promise.all([
      this.#partitionsIn(this.#paths.offsets(group)),
      this.#partitionsIn(this.#paths.positions(group)),
      this.ledger({ group }),
    ])
    const known = new Map<string, Wanted>()
    for (const { topic, partition } of rows) known.set(keyOf({ topic, partition }), { topic, partition, bare: true })
    for (const value of values) known.set(keyOf(value), { ...value, bare: true })
    for (const sidecar of sidecars) known.set(keyOf(sidecar), sidecar)
    return [...known.values()]
  }

  async #partitionsIn(folder: string): Promise<TopicPartition[]> {
    const topics = (await this.#session.children(folder)) ?? []
    const perTopic = await mapInFlight(topics, async (topic) => {
      const names = (await this.#session.children(`${folder}/${topic}`)) ?? []
      // Anything else there is no partition, whoever put it there.
      return names.filter((name) => /^(?:0|[1-9]\d{0,8})$/.test(name)).map((name) => ({ topic, partition: Number(name) }))
    })
    return perTopic.flat()
  }

  /** The children of a root that have at least one of these folders. */
  async #namesWith(root: string, folders: readonly ((group: string) => string)[]): Promise<string[]> {
    const names = (await this.#session.children(root)) ?? []
    const found = await this.#session.getAll(names.flatMap((name) => folders.map((folder) => folder(name))))
    return names.filter((_, index) => folders.some((_folder, place) => found[index * folders.length + place] !== undefined))
  }

  /** Where nothing at all is kept of a partition, the ledger may still name it. It is read only if there is such a partition. */
  async #withLedgerTraces(group: string, custodies: Custody[]): Promise<Custody[]> {
    if (!custodies.some(isBlank)) return custodies
    const named = new Set((await this.ledger({ group })).map(keyOf))
    return custodies.map((custody) => (isBlank(custody) && named.has(keyOf(custody)) ? { ...custody, trace: 'ledger' } : custody))
  }
}

function isBlank({ stored, trace }: Custody): boolean {
  return stored.state === 'absent' && trace === undefined
}
