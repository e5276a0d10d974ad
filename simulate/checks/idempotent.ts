import { keyOf } from '../../src/core/position.ts'
import type { Applied, Violate, Witness } from '../witness.ts'

/** `idempotent`: applying a plan twice equals applying it once. (That reconciling after a repair finds nothing to move, the operator sees to: operator.ts.) */
export class Idempotent implements Witness {
  readonly #violate: Violate
  readonly #saves = new Set<string>()
  readonly #rows = new Set<string>()

  constructor(violate: Violate) {
    this.#violate = violate
  }

  applied({ client, write, before }: Applied): void {
    // Where another program removed what was written, with all trace of it, no store can know that it ever was.
    const isRemoved = before.stored.state === 'absent' && this.#saves.delete(write.saveId)
    if (isRemoved) for (const row of write.ledger) this.#rows.delete(JSON.stringify(row))
    const wrote = `${client.name} wrote ${keyOf(write)}`
    if (this.#saves.has(write.saveId)) this.#violate('idempotent', `${wrote} twice with the save ID ${write.saveId}`)
    this.#saves.add(write.saveId)
    for (const row of write.ledger) {
      const text = JSON.stringify(row)
      if (this.#rows.has(text)) this.#violate('idempotent', `${wrote} twice with the ledger row ${text}`)
      this.#rows.add(text)
    }
  }
}
