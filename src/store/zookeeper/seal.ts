import * as v from 'valibot'
import { readJson, time } from '../identity-json.ts'
import { mzxid } from './sidecar.ts'
import type { Znode } from './protocol.ts'

/**
 * Tells whose a string of several partitions is. Where Tidemark writes such a string it writes a second znode in the same multi, the
 * seal: as long as both have the same mzxid nobody else wrote since. The seal's data names what another
 * program did last, before Tidemark's first string: a sidecar from then on is good for as long as the seal is unbroken, however often the
 * string changes for the sake of other partitions.
 */
export interface Seal {
  /** Of the seal's znode; undefined: there is none. */
  readonly mzxid: string | undefined
  /** For the next seal: the version that is there, or that it has once its folder was made. */
  readonly version: number
  /** What another program did last; undefined: nothing, all that is there is Tidemark's. */
  readonly foreign: ForeignChange | undefined
}

/** Another program wrote the string, by this transaction and at this time (ms since 1970); or without a time: it removed the string, not before this transaction. */
interface ForeignChange {
  readonly mzxid: string
  readonly mtime?: number | undefined
}

const schema = v.object({
  v: v.literal(1),
  foreign: v.optional(v.object({ mzxid, mtime: v.optional(time) })),
})

type SealData = v.InferOutput<typeof schema>

/** The seal of a string, both as they were read. A seal that is broken, missing or can't be read means that another program wrote the string. */
export function sealOf(value: Znode | undefined, znode: Znode | undefined): Seal {
  const { mzxid: own, version = 0 } = znode?.stat ?? {}
  return { mzxid: own, version, foreign: foreignChange(value, own, parseSeal(znode?.data)) }
}

function foreignChange(value: Znode | undefined, own: string | undefined, seal: SealData | undefined): ForeignChange | undefined {
  if (value === undefined) return own === undefined || seal === undefined ? undefined : { mzxid: `0x${(BigInt(own) + 1n).toString(16)}` }
  return own === value.stat.mzxid && seal !== undefined ? seal.foreign : { mzxid: value.stat.mzxid, mtime: value.stat.mtime }
}

/** The data of the next seal: what is there now comes from that foreign change and from Tidemark. */
export function encodeSeal({ foreign }: Seal): Buffer {
  return Buffer.from(JSON.stringify({ v: 1, foreign }))
}

function parseSeal(data: Buffer | undefined): SealData | undefined {
  return data === undefined ? undefined : readJson(schema, data.toString('utf8'))
}
