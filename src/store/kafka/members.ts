import { asTidemarkError, TidemarkError } from '../../errors.ts'
import type { GroupMember, Groups } from '../../kafka/groups.ts'
import type { Member } from '../driver.ts'
import { printMember } from '../membership.ts'

/** The members of the group, as its coordinator shows them now. */
export async function membersOf(groups: Groups, group: string): Promise<Member[]> {
  return (await groups.members(group)).map(memberOf)
}

function memberOf({ memberId, instanceId, clientId, host }: GroupMember): Member {
  return { id: memberId, instanceId, clientId, program: 'kafka-consumer', host, seenAt: Date.now() }
}

/** What to say when the coordinator refuses a commit from outside: who is in the group. */
export async function activeGroup(groups: Groups, group: string): Promise<TidemarkError> {
  const names = await membersOf(groups, group).then(
    (members) => members.map(printMember).join(', ') || 'some that have left since',
    (error: unknown) => asTidemarkError(error).what,
  )
  return new TidemarkError('GROUP_ACTIVE', `the group has live members: ${names}`, {
    group,
    hint: 'Stop them first; a killed one is gone some seconds later, a static one after its session time-out',
  })
}
