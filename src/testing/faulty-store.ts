import type { Capabilities, LedgerQuery, Member, StoreDriver, Write } from '../store/driver.ts'
import type { TopicPartition } from '../core/position.ts'
import { TidemarkError } from '../errors.ts'

/**
 * What goes wrong with a call:
 * - `before`: it is not applied, and fails with STORE_UNREACHABLE;
 * - `lost`: it is not applied, and fails as if that could not be known (STORE_OUTCOME_UNKNOWN);
 * - `after`: it is applied, and its answer is lost: a save fails with STORE_OUTCOME_UNKNOWN, a read with STORE_UNREACHABLE;
 * - `hang`: it is not applied, and never answers;
 * - `hang-after`: it is applied, and never answers;
 * - `late`: it fails as if lost, and is applied when {@link FaultyStore.deliver} is called: it was still on its way.
 */
export type Fault = 'before' | 'lost' | 'after' | 'hang' | 'hang-after' | 'late'

/** The calls that can be made to fail. */
export type FaultyCall = 'load' | 'save' | 'groups' | 'ledger' | 'heartbeat' | 'leave' | 'members'

/** A driver around another one that fails when told to. Counts all calls. */
export class FaultyStore implements StoreDriver {
  readonly capabilities: Capabilities
  readonly #inner: StoreDriver
  readonly #faults = new Map<FaultyCall, Fault[]>()
  readonly #late: (() => Promise<unknown>)[] = []
  /** How often each call came, those that failed included. */
  readonly calls: Record<FaultyCall, number> = { load: 0, save: 0, groups: 0, ledger: 0, heartbeat: 0, leave: 0, members: 0 }
  /** Whether it was closed. */
  closed = false

  constructor(inner: StoreDriver) {
    this.#inner = inner
    this.capabilities = inner.capabilities
  }

  /** The next calls of that kind fail, one for each fault, in this order. */
  fail(call: FaultyCall, ...faults: Fault[]): void {
    this.#faults.set(call, [...(this.#faults.get(call) ?? []), ...faults])
  }

  /** Applies the calls that were on their way. */
  async deliver(): Promise<void> {
    for (const apply of this.#late.splice(0)) await apply()
  }

  load(group: string, partitions?: readonly TopicPartition[]) {
    return this.#call('load', () => this.#inner.load(group, partitions))
  }

  save(group: string, writes: readonly Write[]) {
    return this.#call('save', () => this.#inner.save(group, writes))
  }

  groups() {
    return this.#call('groups', () => this.#inner.groups())
  }

  ledger(query: LedgerQuery) {
    return this.#call('ledger', () => this.#inner.ledger(query))
  }

  heartbeat(group: string, member: Member) {
    return this.#call('heartbeat', () => this.#inner.heartbeat(group, member))
  }

  leave(group: string, memberId: string) {
    return this.#call('leave', () => this.#inner.leave(group, memberId))
  }

  members(group: string) {
    return this.#call('members', () => this.#inner.members(group))
  }

  async close(): Promise<void> {
    this.closed = true
    await this.#inner.close()
  }

  async #call<T>(call: FaultyCall, apply: () => Promise<T>): Promise<T> {
    this.calls[call] += 1
    const fault = this.#faults.get(call)?.shift()
    if (fault === undefined) return apply()
    if (fault === 'after' || fault === 'hang-after') await apply()
    if (fault === 'late') this.#late.push(apply)
    if (fault === 'hang' || fault === 'hang-after') return new Promise(() => {})
    const known = fault === 'before' || call !== 'save'
    const code = known ? 'STORE_UNREACHABLE' : 'STORE_OUTCOME_UNKNOWN'
    throw new TidemarkError(code, `a ${call} failed as it was told to (${fault})`, { hint: 'Check that the store is up' })
  }
}
