import type { Custody, Stored, Trace } from '../../core/custody.ts'
import type { TopicPartition } from '../../core/position.ts'
import type { Znode } from './protocol.ts'
import type { Paths } from './paths.ts'
import { formatRevision } from './revision.ts'
import type { Session } from './session.ts'
import { parseSidecar, type Sidecar } from './sidecar.ts'
import { storedValue } from './value.ts'

/** A partition as it was read, both as custody and as the znodes that custody was made of. */
export interface Reading {
  readonly custody: Custody
  readonly value: Znode | undefined
  readonly sidecar: Sidecar | undefined
  /** There is a sidecar that can't be read. */
  readonly unreadable: boolean
  readonly torn: Torn
}

/** A partition to read. `bare`: it is known to have no sidecar. */
export type Wanted = TopicPartition & { readonly bare?: boolean }

/** How often a pair that was read while somebody wrote it is read again. */
const MAX_LOOKS = 4

/**
 * Reads partitions, both znodes of each. A pair that does not belong together is read again after a sync: it may have been
 * written between the two reads. If it still does not, another program moved the number.
 */
export async function readPartitions(session: Session, paths: Paths, group: string, wanted: readonly Wanted[]): Promise<Reading[]> {
  let readings = await readOnce(session, paths, group, wanted)
  for (let round = 2; round <= MAX_LOOKS; round++) {
    const doubtful = readings.filter(({ torn }) => torn === 'surely' || (torn === 'perhaps' && round === 2))
    if (doubtful.length === 0) break
    await session.sync()
    const again = await readOnce(session, paths, group, doubtful.map(custodyIn))
    const replaced = new Map(doubtful.map((old, place) => [old, again[place]]))
    readings = readings.map((reading) => replaced.get(reading) ?? reading)
  }
  return readings
}

async function readOnce(session: Session, paths: Paths, group: string, wanted: readonly Wanted[]): Promise<Reading[]> {
  // The number before the sidecar: what is written to both after the first was read shows in the second.
  const places = wanted.flatMap((one) => [paths.value(group, one), ...(one.bare === true ? [] : [paths.sidecar(group, one)])])
  const znodes = await session.getAll(places)
  let next = 0
  return wanted.map((one) => readingOf(one, znodes[next++], one.bare === true ? undefined : znodes[next++]))
}

function readingOf(wanted: Wanted, value: Znode | undefined, beside: Znode | undefined): Reading {
  const sidecar = beside && parseSidecar(beside.data)
  return {
    custody: custodyOf(wanted, value, beside, sidecar),
    value,
    sidecar,
    unreadable: beside !== undefined && sidecar === undefined,
    torn: tornness(value, beside, sidecar),
  }
}

/** Whether two znodes were perhaps not read at one moment: `surely` where the sidecar is newer than the value that it was written with. */
type Torn = 'no' | 'perhaps' | 'surely'

function tornness(value: Znode | undefined, beside: Znode | undefined, sidecar: Sidecar | undefined): Torn {
  if (beside === undefined || sidecar === undefined || belongs(value, beside, sidecar)) return 'no'
  return sidecar.valueMzxid === undefined && value !== undefined && BigInt(beside.stat.mzxid) > BigInt(value.stat.mzxid)
    ? 'surely'
    : 'perhaps'
}

/** Whether the sidecar speaks of this very value, or of there being none. */
function belongs(value: Znode | undefined, beside: Znode, { valueMzxid }: Sidecar): boolean {
  if (valueMzxid === undefined) return value?.stat.mzxid === beside.stat.mzxid
  return (value?.stat.mzxid ?? null) === valueMzxid
}

function custodyIn({ custody }: Reading): Custody {
  return custody
}

function custodyOf(
  { topic, partition }: TopicPartition,
  value: Znode | undefined,
  beside: Znode | undefined,
  sidecar: Sidecar | undefined,
): Custody {
  const ours = beside !== undefined && sidecar !== undefined && belongs(value, beside, sidecar)
  const stored = storedOf(value, ours ? sidecar : undefined)
  // The epoch of a sidecar that can't be read is not 0 but unknown: the revision says so, and nothing can be saved on it.
  const ownerEpoch = beside === undefined ? 0 : sidecar?.ownerEpoch
  return {
    topic,
    partition,
    stored,
    trace: stored.state === 'absent' ? traceOf(beside, sidecar) : undefined,
    planned: plannedFor(stored, sidecar),
    ownerEpoch: ownerEpoch ?? 0,
    owner: sidecar?.owner,
    saveId: ours ? sidecar.saveId : undefined,
    revision: formatRevision({ value: value?.stat, sidecar: beside?.stat, ownerEpoch }),
  }
}

/** The number is always the value's; the identity is the sidecar's, where that belongs to it. */
function storedOf(value: Znode | undefined, sidecar: Sidecar | undefined): Stored {
  if (value === undefined) return { state: 'absent' }
  const stored = storedValue(value)
  if (stored.state === 'corrupt' || sidecar?.position === undefined) return stored
  return { state: 'position', position: { ...sidecar.position, offset: stored.position.offset } }
}

/** A sidecar that was only ever there to name an owner, of a partition without an offset, is no trace of one. */
function traceOf(beside: Znode | undefined, sidecar: Sidecar | undefined): Trace | undefined {
  if (beside === undefined) return undefined
  if (sidecar?.planned !== undefined) return 'planned'
  return sidecar === undefined || sidecar.position !== undefined ? 'sidecar' : undefined
}

/** A planned range that does not start at the committed offset was planned before another program moved that. */
function plannedFor(stored: Stored, sidecar: Sidecar | undefined): Custody['planned'] {
  const planned = sidecar?.planned
  if (stored.state === 'absent') return planned
  return stored.state === 'position' && planned?.fromOffset === stored.position.offset ? planned : undefined
}
