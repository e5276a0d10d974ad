import { positionOf } from '../../src/core/custody.ts'
import { keyOf } from '../../src/core/position.ts'
import type { Write } from '../../src/store/driver.ts'
import type { Client, Violate, Witness } from '../witness.ts'

/** `unknown-never-writes`: `unknown` and `foreign` never lead to a write. */
export class UnknownNeverWrites implements Witness {
  readonly #violate: Violate

  constructor(violate: Violate) {
    this.#violate = violate
  }

  asked(client: Client, write: Write): void {
    const key = keyOf(write)
    const custody = client.loaded.get(key)
    if (!isJudged(write, custody?.ownerEpoch ?? 0)) return
    const facts = client.facts.get(key)
    const stored = custody === undefined ? undefined : positionOf(custody)?.clusterId
    if (facts === undefined || facts.state === 'unknown')
      this.#violate(
        'unknown-never-writes',
        `${client.name} writes ${key}, and the cluster said ${facts?.state ?? 'nothing'} of it: ${facts?.reason}`,
      )
    else if (stored !== undefined && stored !== facts.clusterId)
      this.#violate('unknown-never-writes', `${client.name} writes ${key}, which is of cluster ${stored}, from ${facts.clusterId}`)
  }
}

/** A move or a taking follows from facts; what a job saves in between follows from its work. */
function isJudged({ ledger, ownerEpoch }: Write, found: number): boolean {
  return ownerEpoch > found || ledger.some(({ action }) => action !== 'skip' && action !== 'dead-letter')
}
