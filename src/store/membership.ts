import type { Clock } from '../clock.ts'
import { TidemarkError } from '../errors.ts'
import type { Member, StoreDriver } from './driver.ts'
import { within } from './patience.ts'

/** How often a member says that it lives, and after how long without a word it counts as gone, ms. */
const HEARTBEAT_MS = 3_000
export const MEMBER_GONE_MS = 10_000

/** How long a farewell may take, ms. A process that ends does not wait longer for it: without it, it counts as gone soon. */
const FAREWELL_MS = 2_000

/** A place among a group's live members, kept by heartbeats until it is left. */
export interface Membership {
  readonly id: string
  /** Ends the heartbeats and says farewell. Never fails: a member that can't say farewell counts as gone after 10 seconds. */
  leave(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** What a membership needs of its store. */
export interface MembershipContext {
  readonly driver: Pick<StoreDriver, 'heartbeat' | 'leave'>
  readonly clock: Clock
  readonly onLeave: (membership: Membership) => void
}

/** A member as messages name it: a static one by its instance ID. */
export function printMember({ id, instanceId, clientId, program, host }: Member): string {
  const name = instanceId === undefined ? id : `instance ID ${instanceId}`
  return `${program} ${name}${clientId === undefined ? '' : ` (client ID ${clientId})`} on ${host}`
}

const late = (): TidemarkError => new TidemarkError('STORE_UNREACHABLE', 'the store did not answer a heartbeat')

/** Starts the heartbeats of a member whose first one was already accepted. The timer does not keep the process alive. */
export function keepAlive({ driver, clock, onLeave }: MembershipContext, group: string, member: Omit<Member, 'seenAt'>): Membership {
  let beating: Promise<void> | undefined
  const beat = async (): Promise<void> => {
    try {
      await within(clock, MEMBER_GONE_MS, driver.heartbeat(group, { ...member, seenAt: clock.now() }), late)
    } catch {
      // Not fatal: the next one comes in three seconds, and custody rests on the owner epoch, not on being seen.
    } finally {
      beating = undefined
    }
  }
  const timer = setInterval(() => {
    beating ??= beat()
  }, HEARTBEAT_MS).unref()
  const farewell = async (): Promise<void> => {
    await beating
    await driver.leave(group, member.id)
  }
  const leave = async (): Promise<void> => {
    clearInterval(timer)
    onLeave(membership)
    await within(clock, FAREWELL_MS, farewell(), late).catch(() => {})
  }
  const membership: Membership = { id: member.id, leave, [Symbol.asyncDispose]: leave }
  return membership
}
