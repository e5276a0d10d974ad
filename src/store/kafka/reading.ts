import { createHash } from 'node:crypto'
import type { Custody, Stored } from '../../core/custody.ts'
import { toOffset, type Position, type TopicPartition } from '../../core/position.ts'
import type { CommittedAnswer, CommittedOffset } from '../../kafka/groups.ts'
import { corrupt, withoutAbsent } from '../stored.ts'
import { programOf } from './foreign.ts'
import { decodeMetadata, isOurs, type Beside } from './metadata.ts'

/** The revision of a partition of which nothing is committed, and of one that can't be said now. */
const NO_COMMIT = 'none'
const NOT_NOW = 'not now'

/** What has to be known beside a commit to read it. */
export interface Circumstances {
  /** Whether the ledger has a move of this partition. */
  readonly inLedger?: boolean | undefined
  /** The cluster's, where the log that is read is its own: what was put beside an offset in another one was copied here. */
  readonly clusterId?: string | undefined
}

/** What a commit, or its absence, says of a partition. */
export function custodyOf(
  { topic, partition }: TopicPartition,
  answer: CommittedAnswer | undefined,
  { inLedger = false, clusterId }: Circumstances,
): Custody {
  const place = { topic, partition }
  if (answer === undefined)
    return { ...place, stored: { state: 'absent' }, trace: inLedger ? 'ledger' : undefined, ownerEpoch: 0, revision: NO_COMMIT }
  if ('error' in answer) return { ...place, stored: { state: 'unknown', reason: reasonOf(answer.error) }, ownerEpoch: 0, revision: NOT_NOW }
  const beside = besideHere(answer, clusterId)
  return {
    ...place,
    stored: storedIn(answer, beside),
    ownerEpoch: 0,
    saveId: beside?.saveId,
    revision: revisionOf(answer),
    ...besideIt(answer),
  }
}

/**
 * Names a commit as it was read. Two commits of one offset differ by the save ID in their metadata where they are ours; of another
 * program's the one can't be told from the other.
 */
export function revisionOf({ offset, leaderEpoch, metadata }: Pick<CommittedOffset, 'offset' | 'leaderEpoch' | 'metadata'>): string {
  const digest = metadata === '' ? '-' : createHash('sha256').update(metadata).digest('base64url').slice(0, 16)
  return `${offset}@${leaderEpoch} ${digest}`
}

/** The metadata that another program put beside the offset, if there is any. */
export function foreignMetadata({ metadata }: CommittedOffset): string | undefined {
  return metadata === '' || isOurs(metadata) ? undefined : metadata
}

/** What is ours beside the offset, unless it was copied from another cluster together with an offset that means another place here. */
function besideHere({ offset, metadata }: CommittedOffset, clusterId: string | undefined): Beside | undefined {
  const beside = decodeMetadata(offset, metadata)
  const written = beside?.identity.clusterId
  return written === undefined || clusterId === undefined || written === clusterId ? beside : undefined
}

function besideIt(answer: CommittedOffset): Pick<Custody, 'remarks' | 'unadoptable'> {
  const text = foreignMetadata(answer)
  if (text === undefined) return {}
  const what = `${programOf(text)} keeps ${text.length} characters of its own beside the offset`
  return { remarks: [`${what}: they stay while it does; a move drops them`], unadoptable: `${what}, which leaves no room for an identity` }
}

function storedIn({ offset, leaderEpoch }: CommittedOffset, beside: Beside | undefined): Stored {
  try {
    const position: Position = { offset: toOffset(offset), leaderEpoch: leaderEpoch < 0 ? undefined : leaderEpoch, ...beside?.identity }
    return { state: 'position', position: withoutAbsent(position) }
  } catch {
    return corrupt(String(offset), offset < 0n ? 'it is negative' : 'it is beyond 2^53 - 1')
  }
}

function reasonOf(error: string): string {
  if (error === 'UNSTABLE_OFFSET_COMMIT') return `${error}: a transaction that commits this offset is under way`
  return `${error}: the group's coordinator can't say what is committed`
}
