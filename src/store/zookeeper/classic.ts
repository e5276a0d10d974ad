import { keyOf, type TopicPartition } from '../../core/position.ts'
import type { Write } from '../driver.ts'
import { partitionsIn, withFolder } from './folders.ts'
import { put, putsNumber, sidecarOf, type Job, type Layout } from './layout.ts'
import { pathsUnder, type Paths } from './paths.ts'
import type { Op, Znode } from './protocol.ts'
import { readingOf, readSettled, type Reading, type Wanted } from './reading.ts'
import { formatRevision, parseRevision } from './revision.ts'
import type { Session } from './session.ts'
import { encodeSidecar, type Sidecar } from './sidecar.ts'
import { encodeValue, storedValue } from './value.ts'

/**
 * The classic layout: each number in a znode of its own, where the old ZooKeeper consumer keeps it and as it writes it.
 * Where all is as expected it saves without reading: the versions that the multi compares are those of the revision, so the
 * owner epoch read with it still stands in the sidecar when it passes, and the fence is as atomic as the write.
 */
export class ClassicLayout implements Layout {
  readonly paths: Paths
  readonly #session: Session

  constructor(session: Session, chroot: string) {
    this.#session = session
    this.paths = pathsUnder(chroot)
  }

  holds(): boolean {
    return true
  }

  /** Groups with an `offsets` folder, which those that keep their offsets in Kafka lack. */
  groups(): Promise<string[]> {
    return withFolder(this.#session, this.paths.consumers, [this.paths.offsets])
  }

  stored(group: string): Promise<TopicPartition[]> {
    return partitionsIn(this.#session, this.paths.offsets(group))
  }

  read(group: string, wanted: readonly Wanted[]): Promise<Reading[]> {
    return readSettled(this.#session, wanted, keyOf, (some) => this.#readOnce(group, some))
  }

  /**
   * - the writer is behind the epoch that it saw itself, and the refusal names the owner;
   * - the number stays, and its identity must be copied into the new sidecar;
   * - a znode is at version 0, at which one is again that was removed and made anew: ZooKeeper compares nothing but versions.
   *   (One that was made anew and then written exactly as often as before passes for the old one.)
   */
  needsLook(write: Write): boolean {
    const { value, sidecar, ownerEpoch } = parseRevision(write.expected)
    const perhapsAnew = value?.version === 0 || sidecar?.version === 0
    return ownerEpoch === undefined || write.ownerEpoch < ownerEpoch || !putsNumber(write) || perhapsAnew
  }

  /** The number, unless it stays, and the sidecar. */
  ownOps(group: string, { write, reading }: Job): Op[] {
    const expected = parseRevision(write.expected)
    const value = this.paths.value(group, write)
    const ops: Op[] = []
    if (putsNumber(write)) {
      ops.push(put(value, encodeValue(write.position.offset), expected.value?.version))
    } else if (expected.value !== undefined) {
      // Where none is expected ZooKeeper can't compare. One that appears meanwhile has a mzxid that the sidecar does not name.
      ops.push({ kind: 'check', path: value, version: expected.value.version })
    }
    ops.push(put(this.paths.sidecar(group, write), encodeSidecar(sidecarOf(write, reading)), expected.sidecar?.version))
    return ops
  }

  sharedOps(): Op[] {
    return []
  }

  revisionAfter({ write }: Job, zxid: string): string {
    const expected = parseRevision(write.expected)
    const next = (version: number | undefined) => ({ version: version === undefined ? 0 : version + 1, mzxid: zxid })
    return formatRevision({
      value: putsNumber(write) ? next(expected.value?.version) : expected.value,
      sidecar: next(expected.sidecar?.version),
      ownerEpoch: write.ownerEpoch,
    })
  }

  async #readOnce(group: string, wanted: readonly Wanted[]): Promise<Reading[]> {
    // The number before the sidecar: what is written to both after the first was read shows in the second.
    const places = wanted.flatMap((one) => [this.paths.value(group, one), ...(one.bare === true ? [] : [this.paths.sidecar(group, one)])])
    const znodes = await this.#session.getAll(places)
    let next = 0
    return wanted.map((one) => {
      const value = znodes[next++]
      const beside = one.bare === true ? undefined : znodes[next++]
      const bare = value === undefined ? ({ state: 'absent' } as const) : storedValue(value)
      return readingOf(one, { value, beside, bare, belongs: (own, sidecar) => belongs(value, own, sidecar), mark: value?.stat })
    })
  }
}

function belongs(value: Znode | undefined, beside: Znode, { valueMzxid }: Sidecar): boolean {
  if (valueMzxid === undefined) return value?.stat.mzxid === beside.stat.mzxid
  return (value?.stat.mzxid ?? null) === valueMzxid
}
