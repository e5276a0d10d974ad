import { systemClock, type Clock } from '../clock.ts'
import type { Custody } from '../core/custody.ts'
import type { LedgerRow } from '../core/ledger.ts'
import { byPartition, type TopicPartition } from '../core/position.ts'
import { asTidemarkError, TidemarkError, type ErrorContext } from '../errors.ts'
import type { Log } from '../kafka/log.ts'
import { backendOf } from './backends.ts'
import { LateDriver } from './late-driver.ts'
import type { GroupListing, LedgerQuery, Member, StoreDriver, TransactResult, Write, WriteResult } from './driver.ts'
import { keepAlive, MEMBER_GONE_MS, type Membership } from './membership.ts'
import { saveAndKnow } from './outcome.ts'
import { retried } from './patience.ts'
import { withoutPassword } from './url.ts'
import { checkGroup, checkMember, checkPartition, checkWrites } from './validate.ts'

/**
 * A store as the verbs use it. Every call checks its arguments (USAGE), is over within the time-out (STORE_UNREACHABLE),
 * names the group in its errors, and fails with STORE_CLOSED once the store is closed.
 */
export interface Store {
  /** The URL, without its password. */
  readonly url: string
  /** The custody of each partition asked for, in that order; without `partitions` all that the group has, by topic and partition. */
  load(group: string, partitions?: readonly TopicPartition[]): Promise<Custody[]>
  /**
   * Applies each write on its own terms: one result per write, in order. A write that was done before (same save ID) is `saved` again.
   * Not tried again where nothing was written (STORE_UNREACHABLE); STORE_OUTCOME_UNKNOWN only where the outcome could not be read back in time.
   */
  save(group: string, writes: readonly Write[]): Promise<WriteResult[]>
  /**
   * Applies all the writes and `work`'s own changes in one transaction of the store, or nothing of either.
   * @throws TidemarkError STORE_UNSUPPORTED without the capability; whatever `work` throws
   */
  transact(group: string, writes: readonly Write[], work: (transaction: unknown) => Promise<void>): Promise<TransactResult>
  /** The names of the groups that have anything stored, sorted. */
  groups(): Promise<string[]>
  /** These groups, without names all, sorted, with what the store knows of each; those that can't have committed offsets included. */
  describeGroups(names?: readonly string[]): Promise<GroupListing[]>
  /** Ledger rows, oldest first. */
  ledger(query: LedgerQuery): Promise<LedgerRow[]>
  /** The live members of a group: those seen within 10 seconds. */
  members(group: string): Promise<Member[]>
  /** How many members each group has; empty of a store that doesn't show all of them at once. */
  countMembers(): Promise<ReadonlyMap<string, number>>
  /** Becomes one of the group's live members, with a heartbeat every 3 seconds until it leaves. Only a failure of the first one is thrown. */
  join(group: string, member: Pick<Member, 'id' | 'host'>): Promise<Membership>
  /** Leaves all groups and lets go of the store. A second call does nothing. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export interface OpenStoreOptions {
  /** `read` creates nothing, and refuses to save and to join. */
  readonly mode?: 'read' | 'write' | undefined
  /** How long one call may take, tries and pauses included, ms. */
  readonly timeoutMs?: number | undefined
  /** The SQLite file of the ledger, for a store that has no room for one. Default `./tidemark.db`. */
  readonly ledger?: string | undefined
  /** The log that is read: `kafka:` is the groups of its cluster. */
  readonly log?: Log | undefined
  readonly clock?: Clock | undefined
}

/**
 * Opens the store that a URL names, or wraps a driver of one's own. A store that is away is opened by the first call that finds it.
 * @throws TidemarkError USAGE for an unknown scheme; STORE_DENIED, STORE_NOT_FOUND, STORE_CORRUPT
 */
export async function openStore(url: string | StoreDriver, options: OpenStoreOptions = {}): Promise<Store> {
  const settings: Settings = {
    mode: options.mode ?? 'write',
    timeoutMs: options.timeoutMs ?? 30_000,
    ledger: options.ledger,
    log: options.log,
    clock: options.clock ?? systemClock,
  }
  const driver = new LateDriver(await openingOf(url, settings))
  await driver.tryOpen(settings.clock)
  return new OpenStore(typeof url === 'string' ? withoutPassword(url) : 'driver:', driver, settings)
}

async function openingOf(url: string | StoreDriver, settings: Settings): Promise<() => Promise<StoreDriver>> {
  if (typeof url !== 'string') return async () => url
  const open = await backendOf(url)
  return () => open(url, settings)
}

interface Settings {
  readonly mode: 'read' | 'write'
  readonly timeoutMs: number
  readonly ledger: string | undefined
  readonly log: Log | undefined
  readonly clock: Clock
}

class OpenStore implements Store {
  readonly url: string
  readonly #driver: LateDriver
  readonly #settings: Settings
  /** The calls that others make for us, each on the driver once it is there. */
  readonly #calls: Pick<StoreDriver, 'load' | 'save' | 'heartbeat' | 'leave'> = {
    load: async (...args) => (await this.#driver.get()).load(...args),
    save: async (...args) => (await this.#driver.get()).save(...args),
    heartbeat: async (...args) => (await this.#driver.get()).heartbeat(...args),
    leave: async (...args) => (await this.#driver.get()).leave(...args),
  }
  readonly #closing = new AbortController()
  readonly #memberships = new Set<Membership>()

  constructor(url: string, driver: LateDriver, settings: Settings) {
    this.url = url
    this.#driver = driver
    this.#settings = settings
  }

  async load(group: string, partitions?: readonly TopicPartition[]): Promise<Custody[]> {
    checkGroup(group)
    for (const partition of partitions ?? []) checkPartition(partition)
    const found = await this.#retried({ group }, async () => (await this.#driver.get()).load(group, partitions))
    return partitions === undefined ? found.toSorted(byPartition) : found
  }

  async save(group: string, writes: readonly Write[]): Promise<WriteResult[]> {
    checkGroup(group)
    checkWrites(group, writes)
    this.#assertUsable('write')
    const { clock, timeoutMs } = this.#settings
    const context = { driver: this.#calls, clock, deadline: clock.now() + timeoutMs, signal: this.#closing.signal }
    return saveAndKnow(context, group, writes).catch(rethrown({ group }))
  }

  async transact(group: string, writes: readonly Write[], work: (transaction: unknown) => Promise<void>): Promise<TransactResult> {
    checkGroup(group)
    checkWrites(group, writes)
    this.#assertUsable('write')
    const driver = await this.#driver.get()
    if (driver.transact === undefined) {
      throw new TidemarkError('STORE_UNSUPPORTED', `the store ${this.url} has no transactions for handlers`, {
        group,
        hint: 'Use a sqlite: store',
      })
    }
    return driver.transact(group, writes, work)
  }

  async groups(): Promise<string[]> {
    const names = await this.#retried({}, async () => (await this.#driver.get()).groups())
    return names.toSorted()
  }

  async describeGroups(names?: readonly string[]): Promise<GroupListing[]> {
    for (const group of names ?? []) checkGroup(group)
    const described = await this.#retried({}, async () => (await this.#driver.get()).describeGroups?.(names))
    const found = described ?? (names ?? (await this.groups())).map((group) => ({ group }))
    return found.toSorted((a, b) => (a.group < b.group ? -1 : 1))
  }

  async ledger(query: LedgerQuery): Promise<LedgerRow[]> {
    if (query.group !== undefined) checkGroup(query.group)
    return this.#retried({ group: query.group }, async () => (await this.#driver.get()).ledger(query))
  }

  async countMembers(): Promise<ReadonlyMap<string, number>> {
    const counts = await this.#retried({}, async () => (await this.#driver.get()).countMembers?.())
    return counts ?? new Map<string, number>()
  }

  async members(group: string): Promise<Member[]> {
    checkGroup(group)
    const shown = await this.#retried({ group }, async () => (await this.#driver.get()).members(group))
    const now = this.#settings.clock.now()
    return shown.filter(({ seenAt }) => now - seenAt <= MEMBER_GONE_MS)
  }

  async join(group: string, { id, host }: Pick<Member, 'id' | 'host'>): Promise<Membership> {
    checkGroup(group)
    checkMember({ id, host })
    this.#assertUsable('write')
    const { clock } = this.#settings
    const member = { id, host, program: 'tidemark' }
    await this.#retried({ group }, () => this.#calls.heartbeat(group, { ...member, seenAt: clock.now() }))
    const onLeave = (left: Membership): void => void this.#memberships.delete(left)
    const membership = keepAlive({ driver: this.#calls, clock, onLeave }, group, member)
    this.#memberships.add(membership)
    return membership
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#closing.abort()
    await Promise.all([...this.#memberships].map((membership) => membership.leave()))
    await this.#driver.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** What may be repeated without harm. A close in between ends it. */
  #retried<T>(place: ErrorContext, attempt: () => Promise<T>): Promise<T> {
    const { clock, timeoutMs } = this.#settings
    const patience = {
      clock,
      deadline: clock.now() + timeoutMs,
      signal: this.#closing.signal,
      late: () => unanswered(this.url, this.#settings),
    }
    const usable = async (): Promise<T> => {
      this.#assertUsable('read')
      return attempt()
    }
    return retried(patience, usable).catch(rethrown(place))
  }

  #assertUsable(purpose: 'read' | 'write'): void {
    if (this.#closing.signal.aborted) throw new TidemarkError('STORE_CLOSED', `the store ${this.url} is closed`)
    if (purpose === 'write' && this.#settings.mode === 'read') {
      throw new TidemarkError('STORE_UNSUPPORTED', `the store ${this.url} was opened for reading only`)
    }
  }
}

function rethrown(place: ErrorContext): (error: unknown) => never {
  return (error) => {
    throw asTidemarkError(error, 'INTERNAL', place)
  }
}

function unanswered(url: string, { timeoutMs }: Settings): TidemarkError {
  return new TidemarkError('STORE_UNREACHABLE', `the store ${url} did not answer within ${timeoutMs / 1000} s`, {
    hint: 'Check that it is up',
  })
}
