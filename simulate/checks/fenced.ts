import { keyOf } from '../../src/core/position.ts'
import type { Applied, Client, Violate, Witness } from '../witness.ts'

/** `fenced`: a worker that lost its partition can't move that partition's offset. */
export class Fenced implements Witness {
  readonly #violate: Violate
  readonly #owners = new Map<string, Client>()

  constructor(violate: Violate) {
    this.#violate = violate
  }

  applied({ client, write, asked, before }: Applied): void {
    if (client.kind !== 'worker') return
    const key = keyOf(write)
    const owner = this.#owners.get(key)
    // What a worker takes, it asks for by a higher epoch than it found; whatever else it writes must be its own.
    const takes = asked.ownerEpoch === write.ownerEpoch && write.ownerEpoch > before.ownerEpoch
    if (takes) this.#owners.set(key, client)
    else if (owner !== client) this.#violate('fenced', `${client.name} wrote ${key}, which ${owner?.name ?? 'nobody'} had taken`)
  }
}
