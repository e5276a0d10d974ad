import type { Position, TopicPartition } from '../../core/position.ts'
import type { Write, WriteResult } from '../driver.ts'
import type { Paths } from './paths.ts'
import type { Op } from './protocol.ts'
import type { Reading, Wanted } from './reading.ts'
import type { Sidecar } from './sidecar.ts'

/** How one layout keeps a group's numbers. What Tidemark keeps beside them lies in its own tree and is the same in all layouts. */
export interface Layout {
  readonly paths: Paths
  /** Whether it has a place for the numbers of this topic. */
  holds(topic: string): boolean
  /** The groups that have numbers. */
  groups(): Promise<string[]>
  /** The partitions of a group that have a number, readable or not. */
  stored(group: string): Promise<TopicPartition[]>
  /** Reads partitions, each with its sidecar; one reading per partition, in order. */
  read(group: string, wanted: readonly Wanted[]): Promise<Reading[]>
  /** Whether a partition must be read before this is written to it. */
  needsLook(write: Write): boolean
  /** The operations of one write alone. What is expected to be there is compared. */
  ownOps(group: string, job: Job): Op[]
  /** The operations that writes of one multi have in common. */
  sharedOps(group: string, jobs: readonly Job[]): Op[]
  /** The partition's revision after the write was done by the transaction `zxid`. */
  revisionAfter(job: Job, zxid: string): string
}

/** One write on its way. */
export interface Job {
  readonly write: Write
  /** What was read where something had to be. */
  reading?: Reading
  /** Its own operations, made once for each reading. */
  ops?: readonly Op[] | undefined
  result?: WriteResult
}

/** Whether a write puts a number. */
export function putsNumber(write: Write): write is Write & { readonly position: Position } {
  return write.position !== undefined && write.adopts !== true
}

/** Creates a znode that was not there, or sets one that had this version. */
export function put(path: string, data: Buffer, version: number | undefined): Op {
  return version === undefined ? { kind: 'create', path, data } : { kind: 'set', path, data, version }
}

/** What a write makes of the sidecar. `reading`: what is there now, where the position stays. */
export function sidecarOf({ position, adopts, planned, ownerEpoch, owner, saveId }: Write, reading: Reading | undefined): Sidecar {
  const rest = { planned, ownerEpoch, owner, saveId }
  const valueMzxid = reading?.value?.stat.mzxid ?? null
  if (position !== undefined) return { position, ...rest, valueMzxid: adopts === true ? valueMzxid : undefined }
  // The position as it is known now: without identity where another program wrote the number, which this write adopts.
  const stored = reading?.custody.stored
  const known = stored?.state === 'position' ? stored.position : reading?.sidecar?.position
  return { position: known, ...rest, valueMzxid }
}
