import { keyOf } from '../../src/core/position.ts'
import type { StoreDriver, Write } from '../../src/store/driver.ts'
import type { Client } from '../witness.ts'

/** Expects whatever is there: no move of another's is noticed. */
export function ignoringRevisions(driver: StoreDriver, direct: StoreDriver): StoreDriver {
  return { ...driver, save: async (group, writes) => driver.save(group, await refreshed(direct, group, writes)) }
}

/** Writes again as the new owner, where it was told that it is the owner no more. */
export function writingWhenFenced(driver: StoreDriver, direct: StoreDriver): StoreDriver {
  return {
    ...driver,
    save: async (group, writes) => {
      const results = await driver.save(group, writes)
      const fenced = writes.filter((_, index) => results[index]?.status === 'fenced')
      if (fenced.length === 0) return results
      const again = await driver.save(group, await refreshed(direct, group, fenced))
      return results.map((result) => (result.status === 'fenced' ? (again.shift() ?? result) : result))
    },
  }
}

/** Takes a plan that is applied again for a new one. */
export function applyingTwice(driver: StoreDriver, direct: StoreDriver, { kind }: Client): StoreDriver {
  if (kind !== 'operator') return driver
  let saves = 0
  const renamed = (write: Write): Write => ({ ...write, saveId: `${write.saveId} ${++saves}` })
  return { ...driver, save: async (group, writes) => driver.save(group, (await refreshed(direct, group, writes)).map(renamed)) }
}

/** Does not see who is at work in a group. */
export function overlookingMembers(driver: StoreDriver): StoreDriver {
  return { ...driver, members: async () => [] }
}

/** Does not see what was planned before a crash. */
export function forgettingPlans(driver: StoreDriver): StoreDriver {
  return {
    ...driver,
    load: async (group, partitions) => (await driver.load(group, partitions)).map((custody) => ({ ...custody, planned: undefined })),
  }
}

/** The writes, as if what is stored now were what they were made for. */
async function refreshed(direct: StoreDriver, group: string, writes: readonly Write[]): Promise<Write[]> {
  const found = new Map((await direct.load(group, writes)).map((custody) => [keyOf(custody), custody]))
  return writes.map((write) => {
    const { revision = write.expected, ownerEpoch = 0 } = found.get(keyOf(write)) ?? {}
    return { ...write, expected: revision, ownerEpoch: Math.max(write.ownerEpoch, ownerEpoch) }
  })
}
