import type { Stored } from '../../core/custody.ts'
import { keyOf, type TopicPartition } from '../../core/position.ts'
import { TidemarkError } from '../../errors.ts'
import { put, putsNumber, sidecarOf, type Job, type Layout } from './layout.ts'
import { GROUP, nameOf, perTopicPaths, type Paths } from './paths.ts'
import { mapInFlight } from './pool.ts'
import { parseOffsets, partitionsOf, storedIn, withOffsets } from './per-topic-string.ts'
import type { Op, Znode } from './protocol.ts'
import { isNewer, readingOf, readSettled, type Reading, type Wanted } from './reading.ts'
import { formatRevision } from './revision.ts'
import { encodeSeal, sealOf, type Seal } from './seal.ts'
import type { Session } from './session.ts'
import { encodeSidecar, type Sidecar } from './sidecar.ts'

/** Where the strings are: `/spark/offsets/{group}`, and for the older jobs, whose string is that very znode, of which topic it is. */
export interface PerTopicPlace {
  readonly path: string
  readonly topic?: string | undefined
}

/**
 * The layout of Spark jobs that keep their offsets by hand: one znode holds a topic's offsets as a string, `0:1200,1:998`. To write one
 * partition is to read the string, and to set it with its version compared. A revision names the last string that another program wrote:
 * whoever writes the string may have moved every partition in it, while Tidemark itself leaves the others as they are.
 */
export class PerTopicLayout implements Layout {
  readonly paths: Paths
  readonly #session: Session
  readonly #place: PerTopicPlace

  constructor(session: Session, chroot: string, place: PerTopicPlace) {
    this.#session = session
    this.#place = place
    this.paths = perTopicPaths(chroot, place.path)
  }

  holds(topic: string): boolean {
    return this.#place.topic === undefined || this.#place.topic === topic
  }

  async groups(): Promise<string[]> {
    const { chroot } = this.paths
    const root = chroot + this.#place.path.slice(0, this.#place.path.indexOf(`/${GROUP}`))
    const names = (await this.#session.children(root === '' ? '/' : root)) ?? []
    const partitions = await mapInFlight(names, (name) => this.stored(name))
    return names.filter((_, index) => (partitions[index] ?? []).length > 0)
  }

  async stored(group: string): Promise<TopicPartition[]> {
    const { topic } = this.#place
    const topics = topic === undefined ? ((await this.#session.children(this.#folder(group))) ?? []) : [topic]
    const values = await this.#session.getAll(topics.map((name) => this.#valuePath(group, name)))
    return topics.flatMap((name, index) => {
      const value = values[index]
      return value === undefined ? [] : partitionsOf(parseOffsets(value.data)).map((partition) => ({ topic: name, partition }))
    })
  }

  read(group: string, wanted: readonly Wanted[]): Promise<Reading[]> {
    return readSettled(this.#session, wanted, topicOf, (some) => this.#readOnce(group, some))
  }

  /** The other partitions' entries must be known. */
  needsLook(): boolean {
    return true
  }

  ownOps(group: string, { write, reading }: Job): Op[] {
    return [put(this.paths.sidecar(group, write), encodeSidecar(sidecarOf(write, reading)), reading?.beside?.stat.version)]
  }

  /** The strings, each with its seal; one that no write changes must still be the one that was read. */
  sharedOps(group: string, jobs: readonly Job[]): Op[] {
    return [...Map.groupBy(jobs, ({ write }) => write.topic)].flatMap(([topic, some]) => this.#stringOps(group, topic, some))
  }

  revisionAfter({ write, reading }: Job, zxid: string): string {
    const version = reading?.beside === undefined ? 0 : reading.beside.stat.version + 1
    const isThere = write.position !== undefined || reading?.custody.stored.state !== 'absent'
    const value = isThere ? markOf(reading?.seal) : undefined
    return formatRevision({ value, sidecar: { version, mzxid: zxid }, ownerEpoch: write.ownerEpoch })
  }

  #stringOps(group: string, topic: string, jobs: readonly Job[]): Op[] {
    const path = this.#valuePath(group, topic)
    const { value, seal } = jobs[0]?.reading ?? {}
    const moved = jobs.map(({ write }) => write).filter(putsNumber)
    const offsets = new Map(moved.map(({ partition, position }) => [partition, position.offset]))
    if (offsets.size === 0) return value === undefined ? [] : [{ kind: 'check', path, version: value.stat.version }]
    const data = encodeSeal(seal ?? sealOf(undefined, undefined))
    return [
      put(path, withOffsets(value?.data, offsets), value?.stat.version),
      { kind: 'set', path: this.#sealPath(group, topic), data, version: seal?.version ?? 0 },
    ]
  }

  async #readOnce(group: string, wanted: readonly Wanted[]): Promise<Reading[]> {
    const topics = [...new Set(wanted.map(({ topic }) => topic))].filter((topic) => this.holds(topic))
    const withSidecar = wanted.filter(({ bare }) => bare !== true)
    // The strings first: what is written to all of them after the first was read shows in the others.
    const znodes = await this.#session.getAll([
      ...topics.map((topic) => this.#valuePath(group, topic)),
      ...topics.map((topic) => this.#sealPath(group, topic)),
      ...withSidecar.map((one) => this.paths.sidecar(group, one)),
    ])
    const strings = new Map(topics.map((topic, index) => [topic, stringOf(znodes[index], znodes[topics.length + index])]))
    const sidecars = new Map(withSidecar.map((one, index) => [keyOf(one), znodes[2 * topics.length + index]]))
    return wanted.map((one) => {
      const { value, seal, storedAt } = strings.get(one.topic) ?? stringOf(undefined, undefined)
      const bare = storedAt(one.partition)
      return readingOf(one, {
        value,
        beside: sidecars.get(keyOf(one)),
        bare,
        belongs: (beside, sidecar) => belongs(bare, value, seal, beside, sidecar),
        mark: bare.state === 'absent' ? undefined : markOf(seal),
        seal,
      })
    })
  }

  #folder(group: string): string {
    return this.paths.chroot + this.#place.path.replace(GROUP, nameOf(group))
  }

  #valuePath(group: string, topic: string): string {
    if (this.#place.topic === undefined) return `${this.#folder(group)}/${nameOf(topic)}`
    if (this.holds(topic)) return this.#folder(group)
    throw new TidemarkError('USAGE', `this store holds the offsets of the topic ${this.#place.topic} alone`, {
      group,
      topic,
      hint: "Without topic=… in the store's URL there is one znode for each topic",
    })
  }

  #sealPath(group: string, topic: string): string {
    return `${this.paths.positions(group)}/${nameOf(topic)}`
  }
}

function topicOf({ topic }: TopicPartition): string {
  return topic
}

/** One string as it was read. */
interface ReadString {
  readonly value: Znode | undefined
  readonly seal: Seal
  readonly storedAt: (partition: number) => Stored
}

function stringOf(value: Znode | undefined, znode: Znode | undefined): ReadString {
  const seal = sealOf(value, znode)
  const string = value && parseOffsets(value.data)
  const commitTime = seal.foreign?.mtime
  const storedAt = (partition: number): Stored => {
    const stored = string === undefined ? ({ state: 'absent' } as const) : storedIn(string, partition)
    if (stored.state !== 'position' || commitTime === undefined) return stored
    return { state: 'position', position: { ...stored.position, commitTime } }
  }
  return { value, seal, storedAt }
}

/** A revision names the last string of another program's; what Tidemark wrote after it is told by the sidecar's mark. */
function markOf(seal: Seal | undefined): { version: number; mzxid: string } {
  return { version: 0, mzxid: seal?.foreign?.mzxid ?? NEVER }
}

const NEVER = '0x0'

/** The sidecar is not older than the last string that another program wrote, and has the same number. */
function belongs(bare: Stored, value: Znode | undefined, { foreign }: Seal, beside: Znode, sidecar: Sidecar): boolean {
  if (value === undefined) return sidecar.valueMzxid === null
  const stamp = sidecar.valueMzxid === null ? NEVER : (sidecar.valueMzxid ?? beside.stat.mzxid)
  const isOfThisString = !isNewer(foreign?.mzxid ?? NEVER, stamp) && !isNewer(stamp, value.stat.mzxid)
  return isOfThisString && (bare.state !== 'position' || bare.position.offset === sidecar.position?.offset)
}
