import { resolve } from 'node:path'
import type { Custody } from '../../core/custody.ts'
import type { LedgerRow } from '../../core/ledger.ts'
import { keyOf, type TopicPartition } from '../../core/position.ts'
import { TidemarkError } from '../../errors.ts'
import type { Groups, ListedGroup } from '../../kafka/groups.ts'
import type { Log } from '../../kafka/log.ts'
import type { Capabilities, DriverOptions, GroupListing, LedgerQuery, Member, StoreDriver, Write, WriteResult } from '../driver.ts'
import { DEFAULT_LEDGER, openLedgerFile, type Intent, type LedgerFile, type Outcome } from '../ledger-file.ts'
import { listingOf, shareGroupReason } from './listing.ts'
import { membersOf } from './members.ts'
import { custodyOf } from './reading.ts'
import { noProgress, save } from './save.ts'
import { parseKafkaUrl } from './url.ts'

const capabilities: Capabilities = {
  durable: true,
  shared: true,
  anyGroupName: true,
  bareNumber: true,
  transactions: false,
  progress: false,
  members: false,
  groups: true,
  compareAndSet: false,
}

/**
 * Opens `kafka:`, the groups of the cluster that is read, or `kafka://host:port`, those of another one. Asks nobody yet.
 * @throws TidemarkError USAGE for another URL, or where no log was given
 */
export async function openKafka(url: string, { log, ledger = DEFAULT_LEDGER, timeoutMs }: DriverOptions): Promise<StoreDriver> {
  const { bootstrapServers, properties } = parseKafkaUrl(url)
  if (bootstrapServers === undefined) return new GroupStore(groupsOf(log), { ledger: resolve(ledger), isOfTheLog: true, release: () => {} })
  const { connect } = await import('../../kafka/connect.ts')
  const own = await connect({ bootstrapServers, properties, timeoutMs })
  return new GroupStore(groupsOf(own), { ledger: resolve(ledger), isOfTheLog: false, release: () => own.close() })
}

function groupsOf(log: Log | undefined): Groups {
  if (log?.groups !== undefined) return log.groups
  throw new TidemarkError('USAGE', 'kafka: is the groups of a cluster, and none is connected', {
    hint: 'Name the brokers: --bootstrap-server, or in a program openStore(url, { log })',
  })
}

interface Settings {
  /** The path of the ledger's file. */
  readonly ledger: string
  /** The groups are those of the cluster whose log is read. */
  readonly isOfTheLog: boolean
  readonly release: () => void | Promise<void>
}

/** What is known once the cluster has told its ID: a ledger's file may hold those of several clusters. */
interface Books {
  readonly ledger: LedgerFile
  /** As in reading.ts: only where the log is the cluster's own. */
  readonly clusterId: string | undefined
}

/** The committed offsets of Kafka's own groups. What Tidemark knows of an offset is in its metadata; the ledger is a file. */
class GroupStore implements StoreDriver {
  readonly capabilities = capabilities
  readonly #groups: Groups
  readonly #settings: Settings
  #books: Promise<Books> | undefined
  /** Groups that were listed as ones that can have committed offsets. */
  readonly #withOffsets = new Set<string>()
  /** Groups whose left-over intents were settled by this process. */
  readonly #settled = new Set<string>()

  constructor(groups: Groups, settings: Settings) {
    this.#groups = groups
    this.#settings = settings
  }

  async load(group: string, partitions?: readonly TopicPartition[]): Promise<Custody[]> {
    const answers = await asStore(this.#groups.committed(group, partitions))
    if (answers.length === 0) await this.#refuseWithoutOffsets(group)
    const found = new Map(answers.map((answer) => [keyOf(answer), answer]))
    const isBlank = partitions?.some((partition) => !found.has(keyOf(partition))) ?? true
    const { ledger, clusterId } = await this.#open()
    const traces = isBlank ? await ledger.partitions(group) : []
    const named = new Set(traces.map(keyOf))
    const wanted = partitions ?? [...new Map([...traces, ...answers].map((place) => [keyOf(place), place])).values()]
    return wanted.map((place) => custodyOf(place, found.get(keyOf(place)), { inLedger: named.has(keyOf(place)), clusterId }))
  }

  async save(group: string, writes: readonly Write[]): Promise<WriteResult[]> {
    if (writes.length === 0) return []
    const { ledger, clusterId } = await this.#open()
    if (!this.#settled.has(group)) {
      await ledger.settle(group, this.#judge)
      this.#settled.add(group)
    }
    return asStore(save({ groups: this.#groups, ledger, group, clusterId }, writes))
  }

  /** The cluster's groups that can have committed offsets, and those that only the ledger knows any more. */
  async groups(): Promise<string[]> {
    const listed = (await this.#list()).filter(({ type }) => type !== 'share').map(({ group }) => group)
    return this.#withThoseOfTheLedger(listed)
  }

  async describeGroups(names?: readonly string[]): Promise<GroupListing[]> {
    const listed = await this.#list(names)
    const found = new Map(listed.map((one) => [one.group, one]))
    const all = names ?? (await this.#withThoseOfTheLedger([...found.keys()]))
    return Promise.all(all.map((group) => listingOf(this.#groups, group, found.get(group)?.type)))
  }

  async ledger(query: LedgerQuery): Promise<LedgerRow[]> {
    return (await this.#open()).ledger.rows(query, this.#judge)
  }

  heartbeat(group: string): Promise<void> {
    return refuseMembership(group)
  }

  async leave(): Promise<void> {}

  countMembers(): Promise<ReadonlyMap<string, number>> {
    return asStore(this.#groups.memberCounts())
  }

  async members(group: string): Promise<Member[]> {
    return asStore(membersOf(this.#groups, group))
  }

  async close(): Promise<void> {
    const books = await this.#books?.catch(() => undefined)
    books?.ledger.close()
    await this.#settings.release()
  }

  async #list(names?: readonly string[]): Promise<ListedGroup[]> {
    const asked = names === undefined ? this.#groups.list() : Promise.all(names.map((group) => this.#groups.find(group)))
    const listed = (await asStore<(ListedGroup | undefined)[]>(asked)).filter((one) => one !== undefined)
    for (const { group, type } of listed) if (type !== 'share') this.#withOffsets.add(group)
    return listed
  }

  async #withThoseOfTheLedger(listed: readonly string[]): Promise<string[]> {
    const named = await (await this.#open()).ledger.groups()
    return [...new Set([...listed, ...named])]
  }

  #open(): Promise<Books> {
    this.#books ??= asStore(this.#groups.clusterId()).then(
      (clusterId) => ({
        ledger: openLedgerFile(this.#settings.ledger, `kafka:${clusterId}`),
        clusterId: this.#settings.isOfTheLog ? clusterId : undefined,
      }),
      (error: unknown) => {
        this.#books = undefined
        throw error
      },
    )
    return this.#books
  }

  /** What became of announced moves, going by what is committed now. */
  readonly #judge = async (intents: readonly Intent[]): Promise<Outcome[]> => {
    const groups = [...new Set(intents.map(({ group }) => group))]
    const found = new Map<string, Custody>()
    for (const group of groups) {
      const ofGroup = intents.filter((intent) => intent.group === group)
      const answers = new Map((await asStore(this.#groups.committed(group, ofGroup))).map((answer) => [keyOf(answer), answer]))
      for (const intent of ofGroup) found.set(`${group} ${keyOf(intent)}`, custodyOf(intent, answers.get(keyOf(intent)), {}))
    }
    return intents.map((intent) => outcomeOf(intent, found.get(`${intent.group} ${keyOf(intent)}`)))
  }

  /** @throws TidemarkError STORE_UNSUPPORTED for a group that keeps no committed offsets */
  async #refuseWithoutOffsets(group: string): Promise<void> {
    if (this.#withOffsets.has(group)) return
    const found = await asStore(this.#groups.find(group))
    if (found?.type !== 'share') return
    throw new TidemarkError('STORE_UNSUPPORTED', shareGroupReason, { group, hint: 'kafka-share-groups.sh --describe shows it' })
  }
}

function outcomeOf(intent: Intent, found: Custody | undefined): Outcome {
  if (found?.saveId === intent.saveId) return 'done'
  return found?.revision === intent.expected ? 'not-done' : 'unknown'
}

async function refuseMembership(group: string): Promise<never> {
  throw noProgress({ group })
}

/** What the cluster refuses is, to whoever keeps offsets in it, the store's refusal. */
async function asStore<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error
    const code = error.code === 'KAFKA_UNREACHABLE' ? 'STORE_UNREACHABLE' : error.code === 'KAFKA_DENIED' ? 'STORE_DENIED' : error.code
    const { group, topic, partition, hint, cause } = error
    throw new TidemarkError(code, error.what, { group, topic, partition, hint, cause })
  }
}
