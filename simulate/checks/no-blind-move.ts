import { keyOf } from '../../src/core/position.ts'
import type { Applied, Violate, Witness } from '../witness.ts'

/** `no-blind-move`: no move is applied to an offset that changed since it was read. (That none is while the group is active, the operator sees to: operator.ts.) */
export class NoBlindMove implements Witness {
  readonly #violate: Violate

  constructor(violate: Violate) {
    this.#violate = violate
  }

  applied({ client, write, asked, before }: Applied): void {
    if (asked.expected === before.revision) return
    this.#violate(
      'no-blind-move',
      `${client.name} wrote ${keyOf(write)} expecting revision ${asked.expected}, and it was at ${before.revision}`,
    )
  }
}
