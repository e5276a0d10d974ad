import { keyOf } from '../core/position.ts'
import { TidemarkError } from '../errors.ts'
import type { Files } from '../files/files.ts'
import { lastCommitted, readBatch } from '../spark/checkpoint.ts'
import { storedOffset } from '../spark/offset-log.ts'
import type { NextOffset, OffsetLog } from '../spark/offset-log.ts'

/** A batch that the query committed, and the next offsets after it. */
export interface CommittedBatch {
  readonly batch: number
  readonly offsets: readonly NextOffset[]
}

/** Looks for batches that a running query commits. Several that were committed between two looks are seen as the last of them. */
export class CommitLog {
  readonly #files: Files
  #last: number

  /** `after`: the last batch that is known already. */
  constructor(files: Files, after: number | undefined) {
    this.#files = files
    this.#last = after ?? -1
  }

  /**
   * The newest committed batch, if it is newer than the last one told. The caller says {@link seen} when he has done with it.
   * @throws TidemarkError STORE_CORRUPT; what {@link Files} throws
   */
  async next(): Promise<CommittedBatch | undefined> {
    const batch = await lastCommitted(this.#files)
    if (batch === undefined || batch <= this.#last) return undefined
    const offsets = await readBatch(this.#files, batch)
    if (offsets === undefined) {
      throw new TidemarkError('STORE_CORRUPT', `${this.#files.url} has commits/${batch} and no offsets/${batch}`, {
        hint: 'Somebody removes files from the checkpoint: Spark itself may not start from it again',
      })
    }
    return { batch, offsets: nextOffsets(offsets) }
  }

  seen({ batch }: CommittedBatch): void {
    this.#last = Math.max(this.#last, batch)
  }
}

/** The next offset of every partition; of one that several sources read the lowest, since nothing below it is left to do. */
function nextOffsets({ sources }: OffsetLog): NextOffset[] {
  const lowest = new Map<string, NextOffset>()
  for (const { offsets } of sources) {
    for (const [topic, partitions] of offsets ?? []) {
      for (const [partition, json] of partitions) {
        const one = { topic, partition, offset: offsetOf(topic, partition, json) }
        if (one.offset < (lowest.get(keyOf(one))?.offset ?? Number.POSITIVE_INFINITY)) lowest.set(keyOf(one), one)
      }
    }
  }
  return [...lowest.values()]
}

function offsetOf(topic: string, partition: number, json: string): number {
  const stored = storedOffset(json)
  if (stored.state === 'position') return stored.position.offset
  throw new TidemarkError('STORE_CORRUPT', `the query committed ${stored.raw}, and ${stored.reason}`, {
    topic,
    partition,
    hint: 'Look at the newest file in offsets/ of the checkpoint',
  })
}
