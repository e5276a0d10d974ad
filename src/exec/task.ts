import { randomUUID } from 'node:crypto'
import type { OffsetRange } from '../core/position.ts'
import type { Asked } from './protocol.ts'

/** One attempt at a part of a batch, while a process has it in hand. */
export class Task implements Asked {
  readonly id = randomUUID()
  readonly ranges: readonly OffsetRange[]
  sent = false
  /** Resolves with undefined where it is done, or with what the process says that it failed with. */
  readonly answer: Promise<string | undefined>
  readonly resolve: (failure: string | undefined) => void
  readonly reject: (error: Error) => void

  constructor(ranges: readonly OffsetRange[]) {
    this.ranges = ranges
    const { promise, resolve, reject } = Promise.withResolvers<string | undefined>()
    this.answer = promise
    this.resolve = resolve
    this.reject = reject
  }
}
