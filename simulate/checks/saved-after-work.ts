import { positionOf } from '../../src/core/custody.ts'
import { keyOf, type Position } from '../../src/core/position.ts'
import type { Applied, Violate, Witness } from '../witness.ts'
import type { World } from '../world.ts'

/** `saved-after-work`: an offset is saved only after every record below it was handled, or skipped by a plan that has a ledger row. */
export class SavedAfterWork implements Witness {
  readonly #world: World
  readonly #violate: Violate

  constructor(world: World, violate: Violate) {
    this.#world = world
    this.#violate = violate
  }

  applied({ client, write, before }: Applied): void {
    const { position, ledger } = write
    if (position === undefined) return
    const from = positionOf(before)?.offset ?? null
    const [row] = ledger
    const moved = `${client.name} moved ${keyOf(write)} from ${from} to ${position.offset}`
    if (row !== undefined) {
      if (row.from !== from || row.to !== position.offset)
        this.#violate('saved-after-work', `${moved}, and the ledger says from ${row.from} to ${row.to}`)
      return
    }
    if (from === null || position.offset < from) return this.#violate('saved-after-work', `${moved} without a ledger row`)
    const missed = this.#unhandled(write.partition, position, from)
    if (missed !== undefined) this.#violate('saved-after-work', `${moved}, and record ${missed} at or above ${from} was never handled`)
  }

  /** The ID of the first record that was passed over. Of one that took another one's place, cut off since, the worker may not have known. */
  #unhandled(partition: number, { topicId = '', offset: until }: Position, from: number): number | undefined {
    for (let offset = from; offset < until; offset++) {
      const records = this.#world.kafka.at(topicId, partition, offset)
      if (records.some(({ handled }) => handled > 0)) continue
      const missed = records.find(({ fate, isSecond }) => fate === 'kept' && !isSecond)
      if (missed !== undefined) return missed.id
    }
    return undefined
  }
}
