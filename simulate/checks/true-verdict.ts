import { positionOf } from '../../src/core/custody.ts'
import { keyOf } from '../../src/core/position.ts'
import type { LedgerRow } from '../../src/core/ledger.ts'
import type { Applied, Client, Violate, Witness } from '../witness.ts'
import type { World } from '../world.ts'

/** `true-verdict`: what the ledger says was found, was so: in the log itself, whatever a broker that heard late may have said of it. */
export class TrueVerdict implements Witness {
  readonly #world: World
  readonly #violate: Violate

  constructor(world: World, violate: Violate) {
    this.#world = world
    this.#violate = violate
  }

  applied({ client, write, before }: Applied): void {
    for (const row of write.ledger) {
      const why = this.#falsehood(row, client, before, write.position?.topicId)
      if (why !== undefined) this.#violate('true-verdict', `${client.name} calls ${keyOf(row)} at ${row.from} ${row.verdict}, and ${why}`)
    }
  }

  #falsehood(row: LedgerRow, client: Client, before: Applied['before'], topicId: string | undefined): string | undefined {
    const from = row.from ?? 0
    const span = client.spans.get(keyOf(row))
    if (row.verdict === 'missing' || row.verdict === 'lost') return before.stored.state === 'absent' ? undefined : 'something is stored'
    if (row.verdict === 'recreated')
      return positionOf(before)?.topicId === topicId ? `it was of the very topic ${topicId} that is there` : undefined
    if (row.verdict === 'truncated')
      return this.#world.kafka.lowestCut(topicId ?? '', row.partition) < from ? undefined : 'the log was never cut below that'
    if (span === undefined || span.topicId !== topicId) return undefined
    if (row.verdict === 'expired') return from < span.mostStart ? undefined : `its log never began above ${span.mostStart}`
    if (row.verdict === 'ahead') return from > span.leastEnd ? undefined : `its log never ended below ${span.leastEnd}`
    return undefined
  }
}
