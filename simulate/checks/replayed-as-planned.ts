import { positionOf, type Planned } from '../../src/core/custody.ts'
import { keyOf, type OffsetRange } from '../../src/core/position.ts'
import type { Applied, Client, Violate, Witness, Work } from '../witness.ts'
import type { World } from '../world.ts'

/** A planned range that is stored, and how often its log was disturbed before that. */
interface Stored extends Planned {
  readonly disturbances: number
}

/** `replayed-as-planned`: a batch is planned in the store before its work, and one that was planned before a crash is run again with the same range. */
export class ReplayedAsPlanned implements Witness {
  readonly #world: World
  readonly #violate: Violate
  /** By partition. */
  readonly #stored = new Map<string, Stored>()
  /** What each client has planned last. */
  readonly #own = new Map<Client, Map<string, Planned>>()
  /** What each client found planned, and has not run yet. */
  readonly #due = new Map<Client, Map<string, Stored>>()

  constructor(world: World, violate: Violate) {
    this.#world = world
    this.#violate = violate
  }

  applied({ client, write, asked, before }: Applied): void {
    const key = keyOf(write)
    const isTaken = asked.ownerEpoch > before.ownerEpoch
    if (isTaken) this.#expect(client, { ...write, planned: before.planned }, before)
    else if (write.position !== undefined || positionOf(before)?.offset !== this.#dueOf(client).get(key)?.fromOffset)
      this.#dueOf(client).delete(key)
    const stored = this.#stored.get(key)
    const isSame = stored?.fromOffset === write.planned?.fromOffset && stored?.untilOffset === write.planned?.untilOffset
    if (write.planned === undefined) this.#stored.delete(key)
    else if (!isSame) this.#stored.set(key, { ...write.planned, disturbances: this.#world.kafka.disturbances(write) })
    const offset = (write.position ?? positionOf(before))?.offset
    if (write.planned !== undefined && write.planned.fromOffset !== offset)
      this.#violate('replayed-as-planned', `${client.name} planned ${key} from ${write.planned.fromOffset}, and its offset is ${offset}`)
    const own = this.#own.get(client) ?? new Map<string, Planned>()
    this.#own.set(client, own)
    if (write.planned === undefined) own.delete(key)
    else own.set(key, write.planned)
  }

  handling({ client, ranges }: Work): void {
    for (const range of ranges) {
      const key = keyOf(range)
      const planned = this.#own.get(client)?.get(key)
      if (planned === undefined || range.fromOffset < planned.fromOffset || range.untilOffset > planned.untilOffset)
        this.#violate('replayed-as-planned', `${client.name} works on ${print(range)}, and ${print(planned)} is planned`)
      const due = this.#dueOf(client).get(key)
      this.#dueOf(client).delete(key)
      if (due === undefined || due.disturbances !== this.#world.kafka.disturbances(range) || this.#world.kafka.isDamaged(range, due))
        continue
      if (due.fromOffset !== range.fromOffset || due.untilOffset !== range.untilOffset)
        this.#violate('replayed-as-planned', `${client.name} works on ${key} ${print(range)}, and ${print(due)} was planned before it came`)
    }
  }

  /** A plan that is found is due where the offset is not moved and the log reaches its end, as far as the client was told. */
  #expect(client: Client, write: Pick<Applied['write'], 'topic' | 'partition' | 'position' | 'planned'>, before: Applied['before']): void {
    const key = keyOf(write)
    const stored = this.#stored.get(key)
    const facts = client.facts.get(key)
    const reaches = facts?.state === 'known' && stored !== undefined && facts.logEndOffset >= stored.untilOffset
    const stands = write.position === undefined && stored !== undefined && stored.fromOffset === positionOf(before)?.offset
    if (write.planned !== undefined && stands && reaches) this.#dueOf(client).set(key, stored)
    else this.#dueOf(client).delete(key)
  }

  #dueOf(client: Client): Map<string, Stored> {
    const due = this.#due.get(client) ?? new Map<string, Stored>()
    this.#due.set(client, due)
    return due
  }
}

function print(range: Planned | OffsetRange | undefined): string {
  return range === undefined ? 'nothing' : `[${range.fromOffset}, ${range.untilOffset})`
}
