import { setTimeout as sleep } from 'node:timers/promises'
import { TidemarkError } from '../errors.ts'
import type { Cluster } from './cluster.ts'
import { refuse, type Coordinators } from './coordinators.ts'
import { consumerGroupDescribe, describeGroups, listGroups } from './group-calls.ts'
import { shareGroupDescribe, shareGroupOffsets, streamsGroupDescribe } from './group-describe.ts'
import type { DescribedGroup } from './group-describe.ts'
import type { GroupMember, GroupType, ListedGroup, ShareStart } from './groups.ts'
import type { Send } from './leaders.ts'
import { errorName } from './protocol.ts'

/** How often a broker that is loading its groups is asked again, and the pause before it, ms. */
const MAX_LOADS = 20
const LOADING_PAUSE_MS = 100

/** Every group that the brokers coordinate and that we may see. One broker that can't say fails it all: a list with a hole is none. */
export async function listAll(cluster: Cluster, coordinators: Coordinators): Promise<ListedGroup[]> {
  const { brokers } = await cluster.metadata([])
  const perBroker = await Promise.all(
    Array.from(brokers.keys(), async (nodeId) => {
      const groups = await listOf((call, args) => cluster.send(nodeId, call, args))
      for (const { group } of groups) coordinators.learn(group, nodeId)
      return groups
    }),
  )
  return [...new Map(perBroker.flat().map((listed) => [listed.group, listed])).values()]
}

/** Every group that one broker coordinates and that we may see. */
export async function listOf(send: Send): Promise<ListedGroup[]> {
  for (let loads = 1; ; loads++) {
    const { errorCode, groups } = await send(listGroups, [[], []])
    const error = errorName(errorCode)
    if (error === 'COORDINATOR_LOAD_IN_PROGRESS' && loads < MAX_LOADS) {
      await sleep(LOADING_PAUSE_MS)
      continue
    }
    if (error !== 'NONE') {
      const code = error.startsWith('COORDINATOR_')
        ? 'KAFKA_UNREACHABLE'
        : error.endsWith('AUTHORIZATION_FAILED')
          ? 'KAFKA_DENIED'
          : 'KAFKA_FAILED'
      throw new TidemarkError(code, `a broker can't list its groups: ${error}`)
    }
    return groups.map(({ groupId, groupState, groupType }) => ({ group: groupId, state: groupState, type: typeOf(groupType) }))
  }
}

/** Brokers before 3.8 name no types. */
function typeOf(name: string | undefined): GroupType {
  const lower = name?.toLowerCase()
  return lower === 'consumer' || lower === 'share' || lower === 'streams' ? lower : 'classic'
}

/** One group as its coordinator lists it. */
export async function findGroup(coordinators: Coordinators, group: string): Promise<ListedGroup | undefined> {
  const groups = await coordinators.ask(group, listOf, () => 'NONE')
  return groups.find((listed) => listed.group === group)
}

/** The members of a group, by the call that its type has. */
export async function membersOf(coordinators: Coordinators, group: string): Promise<GroupMember[]> {
  const found = await findGroup(coordinators, group)
  if (found === undefined || found.state === 'Empty' || found.state === 'Dead') return []
  return describedMembers(coordinators, group, describers[found.type])
}

type Describer = (send: Send, group: string) => Promise<DescribedGroup | undefined>

const describers: Readonly<Record<GroupType, Describer>> = {
  classic: async (send, group) => {
    const [found] = (await send(describeGroups, [[group], false])).groups
    return (
      found && {
        ...found,
        members: found.members.map(({ groupInstanceId = null, ...member }) => ({ ...member, instanceId: groupInstanceId })),
      }
    )
  },
  consumer: async (send, group) => {
    const [found] = (await send(consumerGroupDescribe, [[group], false])).groups
    return found && { ...found, members: found.members.map(({ instanceId = null, ...member }) => ({ ...member, instanceId })) }
  },
  share: async (send, group) => (await send(shareGroupDescribe, [[group]])).groups[0],
  streams: async (send, group) => (await send(streamsGroupDescribe, [[group]])).groups[0],
}

async function describedMembers(coordinators: Coordinators, group: string, describer: Describer): Promise<GroupMember[]> {
  const described = await coordinators.ask(
    group,
    (send) => describer(send, group),
    (answer) => errorName(answer?.errorCode ?? 0),
  )
  refuse(group, errorName(described?.errorCode ?? 0))
  return (described?.members ?? []).map(memberOf)
}

/** Where a share group stands in each partition that it knows. */
export async function shareStartsOf(coordinators: Coordinators, group: string): Promise<ShareStart[]> {
  const answer = await coordinators.ask(
    group,
    async (send) => (await send(shareGroupOffsets, [group])).groups[0],
    (found) => errorName(found?.errorCode ?? 0),
  )
  refuse(group, errorName(answer?.errorCode ?? 0))
  return (answer?.topics ?? []).flatMap(({ topic, partitions }) =>
    partitions.map(({ partition, startOffset, errorCode }) =>
      errorCode === 0 ? { topic, partition, startOffset } : { topic, partition, error: errorName(errorCode) },
    ),
  )
}

/** Brokers write `/127.0.0.1`, as Java prints an address without a name. */
function memberOf({ memberId, instanceId, clientId, clientHost }: DescribedGroup['members'][number]): GroupMember {
  return { memberId, instanceId: instanceId ?? undefined, clientId, host: clientHost.replace(/^\//, '') }
}
