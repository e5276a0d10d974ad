import type { Custody, Immovable } from '../../core/custody.ts'
import { keyOf } from '../../core/position.ts'
import type { TopicPartition } from '../../core/position.ts'
import type { Files } from '../../files/files.ts'
import { readCheckpoint } from '../../spark/checkpoint.ts'
import type { Checkpoint, ResumePoint } from '../../spark/checkpoint.ts'
import { fileSinkOf, immovable } from '../../spark/immovable.ts'
import { withoutAbsent } from '../stored.ts'
import { hashOf, readSidecar } from './sidecar.ts'
import type { Identities } from './sidecar.ts'

/** A checkpoint and what Tidemark knows of it, at one moment. */
export interface Scene {
  readonly checkpoint: Checkpoint
  /** Of the offsets that the next batch starts from. */
  readonly identities: Identities | undefined
  /** Of the newest batch, where that is a move of ours that lacks its commit: whoever made it died. */
  readonly begun: Identities | undefined
  readonly immovable: Immovable | undefined
  /** Names the batch that is the newest, its content, and whether it is committed. */
  readonly revision: string
}

/** Reads a checkpoint with its sidecars. */
export async function readScene(files: Files): Promise<Scene> {
  const checkpoint = await readCheckpoint(files)
  const { base, planned, committed, newest } = checkpoint
  const isDone = planned === committed
  const [identities, begun, sink] = await Promise.all([
    base === undefined ? undefined : readSidecar(files, base.batch, base.log),
    isDone || planned === undefined || newest === undefined ? undefined : readSidecar(files, planned, newest),
    isDone && committed !== undefined ? fileSinkOf(files, committed) : undefined,
  ])
  const revision = planned === undefined || newest === undefined ? 'none' : revisionOf(planned, hashOf(newest), isDone)
  return { checkpoint, identities, begun, immovable: immovable(checkpoint) ?? sink, revision }
}

/** `7@<hash>`, or while batch 7 is planned and not committed `7@<hash> planned`. */
export function revisionOf(batch: number, hash: string, isDone: boolean): string {
  return `${batch}@${hash}${isDone ? '' : ' planned'}`
}

/** The batch that was the newest when a revision was read; undefined: there was none. */
export function batchOf(revision: string): number | undefined {
  const batch = /^\d+(?=@)/.exec(revision)?.[0]
  return batch === undefined ? undefined : Number(batch)
}

/** The partitions that the query has offsets of. */
export function partitionsOf({ checkpoint }: Scene): TopicPartition[] {
  return [...new Map(checkpoint.partitions.map(({ topic, partition }) => [keyOf({ topic, partition }), { topic, partition }])).values()]
}

/** The custody of one partition. `inLedger`: the ledger has moves of it. */
export function custodyOf(scene: Scene, { topic, partition }: TopicPartition, inLedger: boolean): Custody {
  const point = pointOf(scene, { topic, partition })
  const found = point?.stored ?? { state: 'absent' }
  const identity = scene.identities?.get(keyOf({ topic, partition }))
  const isOurs = found.state === 'position' && identity?.position.offset === found.position.offset
  const known = isOurs ? identity.position : found.state === 'position' ? { ...found.position, commitTime: point?.at } : undefined
  return {
    topic,
    partition,
    stored: known === undefined ? found : { state: 'position', position: withoutAbsent(known) },
    trace: found.state === 'absent' && inLedger ? 'ledger' : undefined,
    planned: point?.planned,
    ownerEpoch: 0,
    saveId: isOurs ? identity.saveId : undefined,
    revision: scene.revision,
    remarks: remarksOf(scene),
    immovable: scene.begun === undefined ? scene.immovable : undefined,
  }
}

/** Where two sources read a partition, what is to be read first. */
function pointOf({ checkpoint }: Scene, { topic, partition }: TopicPartition): ResumePoint | undefined {
  const points = checkpoint.partitions.filter((point) => point.topic === topic && point.partition === partition)
  return points.toSorted((a, b) => rank(a) - rank(b))[0]
}

/** What is unreadable comes before any offset: it must not be hidden by a sound one. */
function rank({ stored }: ResumePoint): number {
  if (stored.state === 'corrupt') return -1
  return stored.state === 'position' ? stored.position.offset : Number.MAX_SAFE_INTEGER
}

function remarksOf({ checkpoint, begun }: Scene): string[] | undefined {
  const { planned, findings, newest } = checkpoint
  const watermark = newest?.batchWatermarkMs ?? 0
  const remarks = [
    ...findings,
    ...(begun === undefined
      ? []
      : [`a move to batch ${planned} was begun and not finished: the next repair --execute or reset --execute finishes it first`]),
    ...(watermark > 0 ? [`the query keeps its watermark, ${new Date(watermark).toISOString()}: moved back, it may drop rows as late`] : []),
  ]
  return remarks.length === 0 ? undefined : remarks
}
