import { TidemarkError } from '../../errors.ts'
import type { Stat } from './protocol.ts'

/** A znode as it was read: its version is what ZooKeeper can compare, the transaction that wrote it what makes it unique. */
export type Mark = Pick<Stat, 'version' | 'mzxid'>

/** What a revision names: both znodes of a partition as they were read, and the owner epoch that was seen in them. */
export interface Revision {
  /** undefined: it was not there. */
  readonly value: Mark | undefined
  readonly sidecar: Mark | undefined
  /** undefined: the sidecar could not be read. */
  readonly ownerEpoch: number | undefined
}

const shape = /^(?:-|(\d+)@(0x[\da-f]+)) (?:-|(\d+)@(0x[\da-f]+)) (\d+|\?)$/

/** `<value> <sidecar> <owner epoch>`, as `4@0x1f 7@0x1f 2`; `-` for what is not there. */
export function formatRevision({ value, sidecar, ownerEpoch }: Revision): string {
  return `${formatMark(value)} ${formatMark(sidecar)} ${ownerEpoch ?? '?'}`
}

/** @throws TidemarkError USAGE for a text that is no revision of this store's. */
export function parseRevision(text: string): Revision {
  const parts = shape.exec(text)
  if (parts === null) throw new TidemarkError('USAGE', `${JSON.stringify(text)} is no revision of a ZooKeeper store`)
  const [, valueVersion, valueMzxid, sidecarVersion, sidecarMzxid, ownerEpoch] = parts
  return {
    value: markOf(valueVersion, valueMzxid),
    sidecar: markOf(sidecarVersion, sidecarMzxid),
    ownerEpoch: ownerEpoch === '?' ? undefined : Number(ownerEpoch),
  }
}

function formatMark(mark: Mark | undefined): string {
  return mark === undefined ? '-' : `${mark.version}@${mark.mzxid}`
}

function markOf(version: string | undefined, mzxid: string | undefined): Mark | undefined {
  return version === undefined || mzxid === undefined ? undefined : { version: Number(version), mzxid }
}
