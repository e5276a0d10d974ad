import * as v from 'valibot'
import type { Planned } from '../../core/custody.ts'
import type { Position } from '../../core/position.ts'
import { count, identityFields, readJson } from '../identity-json.ts'

/** What Tidemark keeps beside a partition's number, and who owns the partition. */
export interface Sidecar {
  /** The position; only its offset may be known, and nothing of it where no offset was ever there. */
  readonly position: Position | undefined
  readonly planned: Planned | undefined
  readonly ownerEpoch: number
  readonly owner: string | undefined
  readonly saveId: string
  /**
   * Which value this belongs to. undefined: the one written in the same multi, which has the same mzxid as the sidecar.
   * A text: the value with that mzxid, which was left as it was. null: there was no value.
   */
  readonly valueMzxid: string | null | undefined
}

/** A transaction, as ZooKeeper prints it. */
export const mzxid = v.pipe(v.string(), v.regex(/^0x[\da-f]{1,16}$/))
const schema = v.object({
  v: v.literal(1),
  offset: v.optional(count),
  ...identityFields,
  planned: v.optional(v.object({ fromOffset: count, untilOffset: count })),
  ownerEpoch: count,
  owner: v.optional(v.string()),
  saveId: v.string(),
  valueMzxid: v.optional(v.nullable(mzxid)),
})

/** The znode's data. */
export function encodeSidecar({ position, ...rest }: Sidecar): Buffer {
  return Buffer.from(JSON.stringify({ v: 1, ...position, ...rest }))
}

/** The sidecar that a znode holds; undefined where it can't be read: another program's, damaged, or of a newer Tidemark. */
export function parseSidecar(data: Buffer): Sidecar | undefined {
  const found = readJson(schema, data.toString('utf8'))
  if (found === undefined) return undefined
  const { v: _version, planned, ownerEpoch, owner, saveId, valueMzxid, offset, ...identity } = found
  return { position: offset === undefined ? undefined : { offset, ...identity }, planned, ownerEpoch, owner, saveId, valueMzxid }
}
