import {
  consumerGroupDescribeV0,
  describeGroupsV5,
  findCoordinatorV4,
  listGroupsV4,
  listGroupsV5,
  offsetCommitV8,
  offsetCommitV9,
  offsetFetchV8,
  offsetFetchV9,
} from '@platformatic/kafka'
import type { Call } from './protocol.ts'

/** The broker that keeps a group. Version 4 is the first that takes several keys (KIP-699); newer ones add nothing for groups. */
export const findCoordinator: Call<
  Parameters<typeof findCoordinatorV4.createRequest>,
  ReturnType<typeof findCoordinatorV4.parseResponse>
> = { name: 'FindCoordinator', versions: [findCoordinatorV4.api] }

/** Committed offsets, of all of a group's partitions where no topics are named. Version 10 names topics by ID, and so can't show what a deleted one left. */
export const offsetFetch: Call<Parameters<typeof offsetFetchV9.createRequest>, ReturnType<typeof offsetFetchV9.parseResponse>> = {
  name: 'OffsetFetch',
  versions: [offsetFetchV9.api, offsetFetchV8.api],
}

/** Version 9 is the first that KIP-848's groups understand; the request is the same. */
export const offsetCommit: Call<Parameters<typeof offsetCommitV9.createRequest>, ReturnType<typeof offsetCommitV9.parseResponse>> = {
  name: 'OffsetCommit',
  versions: [offsetCommitV9.api, offsetCommitV8.api],
}

/** The groups that a broker coordinates. Version 5 (Kafka 3.8) tells their types; before it there were none but classic and, in preview, consumer groups. */
export const listGroups: Call<Parameters<typeof listGroupsV5.createRequest>, ReturnType<typeof listGroupsV4.parseResponse>> = {
  name: 'ListGroups',
  versions: [listGroupsV5.api, listGroupsV4.api],
}

/** The members of a classic group. */
export const describeGroups: Call<Parameters<typeof describeGroupsV5.createRequest>, ReturnType<typeof describeGroupsV5.parseResponse>> = {
  name: 'DescribeGroups',
  versions: [describeGroupsV5.api],
}

/** The members of a group of KIP-848's protocol. */
export const consumerGroupDescribe: Call<
  Parameters<typeof consumerGroupDescribeV0.createRequest>,
  ReturnType<typeof consumerGroupDescribeV0.parseResponse>
> = { name: 'ConsumerGroupDescribe', versions: [consumerGroupDescribeV0.api] }
