import * as v from 'valibot'
import type { EpochStart, Position } from '../../core/position.ts'
import { count, readJson, time } from '../identity-json.ts'

/** What Tidemark keeps in the metadata of a commit: all that the commit's own offset and leader epoch do not say. */
export interface Beside {
  /** The identity of the offset. */
  readonly identity: Omit<Position, 'offset' | 'leaderEpoch'>
  readonly saveId: string
}

/** Begins every metadata string of ours; the digit is the version of what follows. */
const MAGIC = 'TM1'

const pair = v.tuple([count, count])

/** Short names: a broker takes 4,096 characters (offset.metadata.max.bytes). docs/formats.md says what each one is. */
const schema = v.object({
  o: v.string(),
  e: v.optional(v.array(pair)),
  t: v.optional(v.string()),
  c: v.optional(v.string()),
  r: v.optional(time),
  w: v.optional(time),
  b: v.optional(v.string()),
  a: v.optional(time),
  s: v.string(),
})

/** The metadata of a commit of this very offset. */
export function encodeMetadata(offset: bigint, { identity, saveId }: Beside): string {
  const { epochs, topicId, clusterId, recordTime, commitTime, committedBy, assumedSince } = identity
  const fields: v.InferOutput<typeof schema> = {
    o: String(offset),
    e: epochs?.map(({ epoch, startOffset }) => [epoch, startOffset]),
    t: topicId,
    c: clusterId,
    r: recordTime,
    w: commitTime,
    b: committedBy,
    a: assumedSince,
    s: saveId,
  }
  return MAGIC + JSON.stringify(fields)
}

/**
 * What a metadata string of ours says of this very offset. undefined: it is not ours, can't be read, or belongs to another
 * offset: programs that copy a group's offsets to another cluster copy the metadata beside an offset that they translated.
 */
export function decodeMetadata(offset: bigint, metadata: string): Beside | undefined {
  if (!isOurs(metadata)) return undefined
  const found = readJson(schema, metadata.slice(MAGIC.length))
  if (found?.o !== String(offset)) return undefined
  const { e, t, c, r, w, b, a, s } = found
  const epochs = e?.map(([epoch, startOffset]): EpochStart => ({ epoch, startOffset }))
  return {
    identity: { epochs, topicId: t, clusterId: c, recordTime: r, commitTime: w, committedBy: b, assumedSince: a },
    saveId: s,
  }
}

/** Whether Tidemark wrote it, of whatever version: no other program misses it. */
export function isOurs(metadata: string): boolean {
  return /^TM\d+\{/.test(metadata)
}
