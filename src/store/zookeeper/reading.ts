import type { Custody, Stored, Trace } from '../../core/custody.ts'
import type { TopicPartition } from '../../core/position.ts'
import type { Znode } from './protocol.ts'
import { formatRevision, type Mark } from './revision.ts'
import type { Seal } from './seal.ts'
import type { Session } from './session.ts'
import { parseSidecar, type Sidecar } from './sidecar.ts'

/** A partition as it was read, both as custody and as the znodes that custody was made of. */
export interface Reading {
  readonly custody: Custody
  /** The znode that holds the number, alone or with others. */
  readonly value: Znode | undefined
  /** The sidecar's znode. */
  readonly beside: Znode | undefined
  readonly sidecar: Sidecar | undefined
  /** There is a sidecar that can't be read. */
  readonly unreadable: boolean
  readonly torn: Torn
  /** Of a number that shares its znode with others. */
  readonly seal?: Seal | undefined
}

/** A partition to read. `bare`: it is known to have no sidecar. */
export type Wanted = TopicPartition & { readonly bare?: boolean }

/** Whether two znodes were perhaps not read at one moment: `surely` where one is newer than the value that it was written with. */
export type Torn = 'no' | 'perhaps' | 'surely'

/** The number and what belongs to it, as a layout found them. */
export interface Found {
  readonly value: Znode | undefined
  readonly beside: Znode | undefined
  /** What is stored, by the number alone. */
  readonly bare: Stored
  /** Whether the sidecar speaks of this very number, or of there being none. */
  readonly belongs: (beside: Znode, sidecar: Sidecar) => boolean
  /** What a revision names in place of the number. */
  readonly mark: Mark | undefined
  readonly seal?: Seal | undefined
}

/** How often a pair that was read while somebody wrote it is read again. */
const MAX_LOOKS = 4

/**
 * Reads partitions, both znodes of each. A pair that does not belong together is read again after a sync: it may have been
 * written between the two reads. If it still does not, another program moved the number.
 * @param unitOf what is read again with it: whatever lies in the same znode, so that all of one znode is of one moment
 */
export async function readSettled(
  session: Session,
  wanted: readonly Wanted[],
  unitOf: (partition: TopicPartition) => string,
  readOnce: (wanted: readonly Wanted[]) => Promise<Reading[]>,
): Promise<Reading[]> {
  let readings = await readOnce(wanted)
  for (let round = 2; round <= MAX_LOOKS; round++) {
    const isDoubtful = ({ torn }: Reading): boolean => torn === 'surely' || (torn === 'perhaps' && round === 2)
    const units = new Set(readings.filter(isDoubtful).map(({ custody }) => unitOf(custody)))
    if (units.size === 0) break
    await session.sync()
    const old = readings.filter(({ custody }) => units.has(unitOf(custody)))
    const again = await readOnce(old.map(({ custody }) => custody))
    const replaced = new Map(old.map((reading, place) => [reading, again[place]]))
    readings = readings.map((reading) => replaced.get(reading) ?? reading)
  }
  return readings
}

/** What was found of a partition, as custody. */
export function readingOf({ topic, partition }: TopicPartition, found: Found): Reading {
  const { value, beside, mark, seal } = found
  const sidecar = beside && parseSidecar(beside.data)
  const ours = beside !== undefined && sidecar !== undefined && found.belongs(beside, sidecar)
  const stored = withIdentity(found.bare, ours ? sidecar : undefined)
  // The epoch of a sidecar that can't be read is not 0 but unknown: the revision says so, and nothing can be saved on it.
  const ownerEpoch = beside === undefined ? 0 : sidecar?.ownerEpoch
  const custody: Custody = {
    topic,
    partition,
    stored,
    trace: stored.state === 'absent' ? traceOf(beside, sidecar) : undefined,
    planned: plannedFor(stored, sidecar),
    ownerEpoch: ownerEpoch ?? 0,
    owner: sidecar?.owner,
    saveId: ours ? sidecar.saveId : undefined,
    revision: formatRevision({ value: mark, sidecar: beside?.stat, ownerEpoch }),
    remarks: ours && stored.state !== 'absent' ? undefined : savedLast(stored, sidecar),
  }
  const torn = ours ? 'no' : tornness(found, sidecar)
  return { custody, value, beside, sidecar, unreadable: beside !== undefined && sidecar === undefined, torn, seal }
}

function tornness({ value, beside, seal }: Found, sidecar: Sidecar | undefined): Torn {
  const writtenTogether = [seal?.mzxid, sidecar?.valueMzxid === undefined ? beside?.stat.mzxid : undefined]
  if (value !== undefined && writtenTogether.some((mzxid) => mzxid !== undefined && isNewer(mzxid, value.stat.mzxid))) return 'surely'
  return sidecar === undefined ? 'no' : 'perhaps'
}

/** Whether one transaction came after another; both as ZooKeeper prints them. */
export function isNewer(mzxid: string, than: string): boolean {
  return BigInt(mzxid) > BigInt(than)
}

/** What Tidemark saved last is a second record of a number that another program put there, wrote over or removed. */
function savedLast(stored: Stored, sidecar: Sidecar | undefined): string[] | undefined {
  if (sidecar?.position === undefined) return undefined
  const last = sidecar.position.offset
  if (stored.state === 'absent') return [`Tidemark saved ${last} last`]
  const now = stored.state === 'position' ? stored.position.offset : 'that'
  return now === last ? undefined : [`another program put ${now} there: Tidemark saved ${last} last`]
}

/** The number is always the value's; the identity is the sidecar's, where that belongs to it. */
function withIdentity(bare: Stored, sidecar: Sidecar | undefined): Stored {
  if (bare.state !== 'position' || sidecar?.position === undefined) return bare
  return { state: 'position', position: { ...sidecar.position, offset: bare.position.offset } }
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
