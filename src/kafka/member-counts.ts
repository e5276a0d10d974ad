import type { Cluster } from './cluster.ts'
import { consumerGroupDescribe, describeGroups } from './group-calls.ts'
import { listOf } from './group-members.ts'
import type { ListedGroup } from './groups.ts'
import type { Send } from './leaders.ts'

/**
 * How many members the classic and consumer groups have, in at most three requests to each broker. A group that can't be described is left out.
 * @throws TidemarkError as Groups do
 */
export async function countMembers(cluster: Cluster): Promise<Map<string, number>> {
  const { brokers } = await cluster.metadata([])
  const counts = await Promise.all(Array.from(brokers.keys(), (nodeId) => countAt((call, args) => cluster.send(nodeId, call, args))))
  return new Map(counts.flat())
}

async function countAt(send: Send): Promise<[group: string, members: number][]> {
  const listed = await listOf(send)
  const busy = (type: ListedGroup['type']): string[] => listed.flatMap((one) => (one.type === type && !isEmpty(one) ? [one.group] : []))
  const [classic, consumer] = [busy('classic'), busy('consumer')]
  const [described, consumers] = await Promise.all([
    classic.length === 0 ? [] : send(describeGroups, [classic, false]).then(({ groups }) => groups),
    consumer.length === 0 ? [] : send(consumerGroupDescribe, [consumer, false]).then(({ groups }) => groups),
  ])
  const counted = [...described, ...consumers].filter(({ errorCode }) => errorCode === 0)
  return [
    ...listed.filter(isEmpty).map(({ group }): [string, number] => [group, 0]),
    ...counted.map(({ groupId, members }): [string, number] => [groupId, members.length]),
  ]
}

function isEmpty({ state }: ListedGroup): boolean {
  return state === 'Empty' || state === 'Dead'
}
