import type { TopicPartition } from '../../core/position.ts'
import { TidemarkError } from '../../errors.ts'

/**
 * Where the classic layout keeps things, below the chroot; the part under /tidemark is the same in all layouts:
 *
 *     /consumers/<group>/offsets/<topic>/<partition>     the next offset, as the old consumer writes it
 *     /consumers/<group>/ids/<id>                        live old consumers, ephemeral
 *     /tidemark/<group>/positions/<topic>/<partition>    the sidecar: what Tidemark knows beyond the number
 *     /tidemark/<group>/members/<id>                     live workers of Tidemark's, ephemeral
 *     /tidemark/<group>/ledger/<yyyy-mm-dd>/r-<number>   ledger rows, several of one save together
 *
 * Tidemark's own tree stands apart, so that who deletes /consumers/<group> leaves the trace that tells `lost` from `missing`.
 */
export interface Paths {
  readonly chroot: string
  /** The folders that the groups of all users share. */
  readonly roots: readonly string[]
  readonly consumers: string
  readonly tidemark: string
  readonly offsets: (group: string) => string
  readonly value: (group: string, partition: TopicPartition) => string
  /** undefined: the layout has nobody who says that it lives. */
  readonly ids: ((group: string) => string) | undefined
  readonly positions: (group: string) => string
  readonly sidecar: (group: string, partition: TopicPartition) => string
  readonly members: (group: string) => string
  readonly ledger: (group: string) => string
}

/** The paths of the classic layout under one chroot. */
export function pathsUnder(chroot: string): Paths {
  const consumers = `${chroot}/consumers`
  const tidemark = `${chroot}/tidemark`
  const offsets = folderOf(consumers, 'offsets')
  const positions = folderOf(tidemark, 'positions')
  return {
    chroot,
    roots: [consumers, tidemark],
    consumers,
    tidemark,
    offsets,
    value: (group, { topic, partition }) => `${offsets(group)}/${nameOf(topic)}/${partition}`,
    ids: folderOf(consumers, 'ids'),
    positions,
    sidecar: (group, { topic, partition }) => `${positions(group)}/${nameOf(topic)}/${partition}`,
    members: folderOf(tidemark, 'members'),
    ledger: folderOf(tidemark, 'ledger'),
  }
}

/** What stands for the group's name in the path of a per-topic layout. */
export const GROUP = '{group}'

/** The paths of the per-topic layout: its strings lie where the URL says, and Tidemark's own tree where it always does. */
export function perTopicPaths(chroot: string, path: string): Paths {
  const paths = pathsUnder(chroot)
  const above = path
    .slice(0, path.indexOf(`/${GROUP}`))
    .split('/')
    .slice(1)
  const shared = above.map((_, index) => `${chroot}/${above.slice(0, index + 1).join('/')}`)
  return { ...paths, roots: [paths.tidemark, ...shared], ids: undefined }
}

function folderOf(root: string, folder: string): (group: string) => string {
  return (group) => `${root}/${nameOf(group)}/${folder}`
}

/** The path without its last name. */
export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}

/** What ZooKeeper itself refuses in a path: control characters, surrogates and the private use area. */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const unfit = /[\0-\x1f\x7f-\x9f\ud800-\uf8ff\ufff0-\uffff]/

/** A group's or a topic's name as the name of a znode. */
export function nameOf(name: string): string {
  assertName(name)
  return name
}

/** @throws TidemarkError GROUP_NAME where a group's or a topic's name can't be that of a znode. */
export function assertName(name: string): void {
  const reason = unfitness(name)
  if (reason === undefined) return
  throw new TidemarkError('GROUP_NAME', `ZooKeeper can't hold the name ${JSON.stringify(name)}: ${reason}`, {
    hint: 'Choose another name, or a store that takes any: sqlite:',
  })
}

/** Why ZooKeeper can't have a znode of that name; undefined: it can. */
export function unfitness(name: string): string | undefined {
  if (name === '') return 'it is empty'
  if (name === '.' || name === '..') return 'it would mean a folder'
  if (name.includes('/')) return 'a slash separates the names of a path'
  if (unfit.test(name)) return 'it has characters that ZooKeeper refuses in a path'
  return undefined
}
