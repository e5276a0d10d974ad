import type { Custody } from '../../core/custody.ts'
import type { LedgerRow } from '../../core/ledger.ts'
import { keyOf, type TopicPartition } from '../../core/position.ts'
import type { Capabilities, DriverOptions, LedgerQuery, Member, StoreDriver, Write, WriteResult } from '../driver.ts'
import { readLedger } from './ledger.ts'
import { Members } from './members.ts'
import { ClassicLayout } from './classic.ts'
import { partitionsIn, withFolder } from './folders.ts'
import type { Layout } from './layout.ts'
import { missingChroot, Parents } from './parents.ts'
import { assertName } from './paths.ts'
import { PerTopicLayout } from './per-topic.ts'
import type { Wanted } from './reading.ts'
import { save } from './save.ts'
import { Session } from './session.ts'
import { parseUrl } from './url.ts'

const capabilities: Capabilities = {
  durable: true,
  shared: true,
  anyGroupName: false,
  bareNumber: true,
  transactions: false,
  progress: true,
  members: true,
  compareAndSet: true,
  groups: true,
}

/** Opens `zookeeper://h1:2181,h2:2181/chroot?layout=classic`; url.ts says what else it may name. @throws TidemarkError STORE_NOT_FOUND where the chroot does not exist. */
export async function openZookeeper(url: string, { timeoutMs }: DriverOptions): Promise<StoreDriver> {
  const { chroot, perTopic, ...where } = parseUrl(url)
  const session = new Session({ ...where, timeoutMs })
  try {
    await session.open()
    if (chroot !== '' && (await session.exists(chroot)) === undefined) throw missingChroot(chroot)
  } catch (error) {
    await session.close()
    throw error
  }
  const layout = perTopic === undefined ? new ClassicLayout(session, chroot) : new PerTopicLayout(session, chroot, perTopic)
  return new ZooKeeperStore(session, layout, timeoutMs)
}

/**
 * Numbers where another program keeps them and as it writes them, so that the old job goes on from them without Tidemark; what
 * Tidemark knows besides in sidecars, written in the same multi. Where and how the numbers lie is the layout's: classic.ts, per-topic.ts.
 */
class ZooKeeperStore implements StoreDriver {
  readonly capabilities: Capabilities = capabilities
  readonly #session: Session
  readonly #layout: Layout
  readonly #timeoutMs: number
  readonly #parents: Parents
  readonly #members: Members

  constructor(session: Session, layout: Layout, timeoutMs: number) {
    this.#session = session
    this.#layout = layout
    this.#timeoutMs = timeoutMs
    this.#parents = new Parents(session, layout.paths)
    this.#members = new Members(session, layout.paths, this.#parents)
  }

  async load(group: string, partitions?: readonly TopicPartition[]): Promise<Custody[]> {
    assertName(group)
    const wanted = partitions ?? (await this.#known(group))
    const readings = await this.#layout.read(group, wanted)
    return this.#withLedgerTraces(
      group,
      readings.map(({ custody }) => custody),
    )
  }

  async save(group: string, writes: readonly Write[]): Promise<WriteResult[]> {
    // The wrapper gives a save up at half its time-out, and what is written after that would surprise its caller.
    assertName(group)
    const latest = Date.now() + this.#timeoutMs / 2
    return save({ session: this.#session, layout: this.#layout, parents: this.#parents, group, latest }, writes)
  }

  /** Groups that have numbers, and groups that Tidemark knows something of. */
  async groups(): Promise<string[]> {
    const { tidemark, positions, ledger } = this.#layout.paths
    const [theirs, ours] = await Promise.all([this.#layout.groups(), withFolder(this.#session, tidemark, [positions, ledger])])
    return [...new Set([...theirs, ...ours])]
  }

  async ledger(query: LedgerQuery): Promise<LedgerRow[]> {
    if (query.group !== undefined) assertName(query.group)
    return readLedger(this.#session, this.#layout.paths, query)
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
      this.#layout.stored(group),
      partitionsIn(this.#session, this.#layout.paths.positions(group)),
      this.ledger({ group }),
    ])
    const known = new Map<string, Wanted>()
    for (const { topic, partition } of rows) known.set(keyOf({ topic, partition }), { topic, partition, bare: true })
    for (const value of values) known.set(keyOf(value), { ...value, bare: true })
    for (const sidecar of sidecars) known.set(keyOf(sidecar), sidecar)
    return [...known.values()].filter(({ topic }) => this.#layout.holds(topic))
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
