import { TidemarkError, type ErrorCode } from '../../src/errors.ts'
import type { Client, Violate, Witness } from '../witness.ts'
import { GROUP } from '../world.ts'

/** Errors that are about one partition. */
const OF_A_PARTITION: ReadonlySet<ErrorCode> = new Set(['FENCED', 'POLICY_FAIL', 'HANDLER_FAILED', 'HANDLER_TIMEOUT', 'RECORD_CORRUPT'])

/** `named-errors`: every error has a stable code, names group, topic and partition, and says what to do next. */
export class NamedErrors implements Witness {
  readonly #violate: Violate

  constructor(violate: Violate) {
    this.#violate = violate
  }

  failed(client: Client, error: unknown): void {
    const missing = this.#missing(error)
    if (missing !== undefined) this.#violate('named-errors', `${client.name} ended with ${String(error)}, which ${missing}`)
  }

  #missing(error: unknown): string | undefined {
    if (!(error instanceof TidemarkError)) return 'has no code'
    if (error.code === 'INTERNAL') return 'is a bug in Tidemark, as it says itself'
    if (error.group !== GROUP) return `does not name the group (${error.code})`
    if (error.hint === undefined) return `does not say what to do next (${error.code})`
    if (!OF_A_PARTITION.has(error.code)) return undefined
    return error.topic === undefined || error.partition === undefined ? `does not name topic and partition (${error.code})` : undefined
  }
}
