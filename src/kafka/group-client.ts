import type { Cluster } from './cluster.ts'
import { Coordinators } from './coordinators.ts'
import { findGroup, listAll, membersOf, shareStartsOf } from './group-members.ts'
import { commitOffsets, fetchCommitted } from './group-offsets.ts'
import type { Groups } from './groups.ts'
import { GroupsTogether } from './groups-together.ts'
import { countMembers } from './member-counts.ts'

/** The groups of a cluster, over its connections. Asks nobody yet. */
export function groupsOf(cluster: Cluster): Groups {
  const coordinators = new Coordinators(cluster)
  const together = new GroupsTogether()
  return {
    clusterId: async () => (await cluster.metadata([])).clusterId,
    list: () => listAll(cluster, coordinators),
    find: (group) => findGroup(coordinators, group),
    members: (group) => membersOf(coordinators, group),
    memberCounts: () => countMembers(cluster),
    shareStarts: (group) => shareStartsOf(coordinators, group),
    committed: (group, also) => fetchCommitted(coordinators, together, group, also),
    commit: (group, offsets) => commitOffsets(coordinators, group, offsets),
  }
}
