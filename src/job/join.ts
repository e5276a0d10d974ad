import { hostname } from 'node:os'
import { TidemarkError } from '../errors.ts'
import { printMember, type Membership } from '../store/membership.ts'
import type { Store } from '../store/store.ts'

/** The name of a worker: host, process, and what tells it from another one of the same process. */
export function workerName(newId: () => string): string {
  return `${hostname()}-${process.pid}-${newId().slice(0, 8)}`
}

/**
 * Becomes a live member of the group. Another worker of ours is taken over from; another program's consumers would move the same offsets behind our back.
 * @throws TidemarkError GROUP_ACTIVE
 */
export async function joinGroup(store: Store, group: string, worker: string): Promise<Membership> {
  const others = (await store.members(group)).filter(({ program }) => program !== 'tidemark')
  if (others.length > 0) {
    const names = others.map(printMember).join(', ')
    throw new TidemarkError('GROUP_ACTIVE', `another program's consumers are at work in the group: ${names}`, {
      group,
      hint: 'Stop them first; a killed one is gone some seconds later',
    })
  }
  return store.join(group, { id: worker, host: hostname() })
}
