import type { TopicPartition } from '../core/position.ts'
import { TidemarkError } from '../errors.ts'
import { isAbortMarker, readBatches, unreadableAt } from './batch.ts'
import type { RecordBatch } from './batch.ts'
import { BufferedAnswer } from './buffered-answer.ts'
import type { BufferedBatch, Keep } from './buffered.ts'
import type { FetchedPartition } from './fetch.ts'
import type { Dispute, Isolation, Slice, StartAt, Unreadable } from './log.ts'
import type { Piece } from './memory.ts'
import { errorName } from './protocol.ts'
import { SliceBuilder } from './slice.ts'

/** How much of a partition may go into one slice. */
export interface SliceLimits {
  readonly maxRecords: number
  readonly maxBytes: number
  readonly until: number
}

/** A transaction that holds readers up for longer than this is told of, ms: one that is in order ends sooner. */
const LONG_TRANSACTION_MS = 10_000

/** One partition that is being read: where it is fetched next, and what is fetched and not handed out yet. */
export class Reading implements TopicPartition {
  readonly topic: string
  readonly partition: number
  readonly topicId: string
  /** The next offset to fetch. */
  fetchOffset: number
  /** The epoch of the last batch fetched; -1: not known. */
  fetchedEpoch: number
  /** The log end, as the last fetch told it; undefined: none did yet. */
  logEndOffset: number | undefined
  bufferedBytes = 0
  /** Whether a fetch of it is under way. */
  inFlight = false
  /** Whether its leader has to be heard of anew before it is fetched. */
  stale = true
  /** Not fetched before this time (ms), after a failure. */
  retryAt = 0
  /** What it waits for, if it does. */
  trouble: string | undefined
  /** Has to be buffered up to this offset, whatever the limits. */
  requiredUntil = 0
  /** Where an open transaction holds readers of committed records up, and since when (ms). */
  #held: { readonly at: number; readonly since: number } | undefined
  #dispute: Dispute | undefined
  #damage: Dispute | undefined
  #failures = 0
  #handedOut: number
  readonly #answers: BufferedAnswer[] = []
  readonly #keep: Keep

  /** @param keep where the records of uncompressed batches go */
  constructor(start: StartAt, keep: Keep) {
    this.#keep = keep
    this.topic = start.topic
    this.partition = start.partition
    this.topicId = start.topicId
    this.fetchOffset = start.offset
    this.#handedOut = start.offset
    this.fetchedEpoch = start.leaderEpoch ?? -1
  }

  /** Whether there is something to hand out below an offset. */
  ready(until: number): boolean {
    return this.#answers.length > 0 && this.#handedOut < until
  }

  /** The memory that the answers take of which something is buffered. */
  get heldBytes(): number {
    let bytes = 0
    for (const answer of this.#answers) bytes += answer.heldBytes
    return bytes
  }

  /** How many offsets are buffered: as many records, or fewer. */
  get bufferedOffsets(): number {
    return this.fetchOffset - this.#handedOut
  }

  /** Whether everything below the offset is buffered. */
  covers(until: number): boolean {
    return this.fetchOffset >= until
  }

  /** Takes in what a broker answered. */
  accept(fetched: FetchedPartition, isolation: Isolation, now: number): void {
    const error = errorName(fetched.errorCode)
    if (error === 'OFFSET_OUT_OF_RANGE') return this.disputed(error, `the leader has no offset ${this.fetchOffset} to read on from`)
    if (error !== 'NONE') return this.failed(error, now)
    if (fetched.diverging !== undefined) {
      const { epoch, endOffset } = fetched.diverging
      return this.disputed(
        'DIVERGING_EPOCH',
        `the leader's history ends epoch ${epoch} at ${endOffset}, and ours of epoch ${this.fetchedEpoch} goes to ${this.fetchOffset}`,
      )
    }
    this.trouble = undefined
    this.#failures = 0
    this.logEndOffset = fetched.logEndOffset
    if (fetched.records !== undefined) this.#buffer(fetched.records, fetched.aborted, isolation)
    this.#watchTransactions(fetched, isolation, now)
  }

  /** What it waits for although its leader answers: a transaction that does not end. */
  heldUp(now: number): string | undefined {
    if (this.#held === undefined || this.logEndOffset === undefined) return undefined
    const { at, since } = this.#held
    if (now - since < LONG_TRANSACTION_MS) return undefined
    return `OPEN_TRANSACTION: the last stable offset ${at} has not moved for ${Math.floor((now - since) / 1000)} s, and is ${this.logEndOffset - at} below the log end`
  }

  /** Its facts changed: what is buffered may be of another history. */
  disputed(reason: string, detail: string): void {
    this.#dispute = { topic: this.topic, partition: this.partition, reason, detail }
    this.#clear()
  }

  /** Facts that changed, or a batch that can't be read once all before it is handed out: it is not read on. */
  get dispute(): Dispute | undefined {
    return this.#dispute ?? (this.#answers.length === 0 ? this.#damage : undefined)
  }

  /** Whether it is fetched no more. */
  get isStopped(): boolean {
    return this.#dispute !== undefined || this.#damage !== undefined
  }

  /** A job that waits behind an open transaction looks as if there was nothing to do (KIP-664). */
  #watchTransactions({ lastStableOffset, logEndOffset }: FetchedPartition, isolation: Isolation, now: number): void {
    const isHeld = isolation === 'read_committed' && lastStableOffset < logEndOffset && this.fetchOffset >= lastStableOffset
    if (!isHeld) this.#held = undefined
    else if (this.#held?.at !== lastStableOffset) this.#held = { at: lastStableOffset, since: now }
  }

  #damaged(error: TidemarkError, unreadable: Unreadable): void {
    this.#damage = { topic: this.topic, partition: this.partition, reason: error.code, detail: error.what, unreadable }
  }

  /** It could not be fetched: hear of its leader again, after a pause that doubles. */
  failed(reason: string, now: number): void {
    this.trouble = reason
    this.stale = true
    this.retryAt = now + Math.min(100 * 2 ** this.#failures, 2_000)
    this.#failures++
  }

  /** Hands out what is buffered, within limits; undefined where nothing is. */
  slice({ maxRecords, maxBytes, until }: SliceLimits): Slice | undefined {
    const builder = new SliceBuilder(this, this.#handedOut)
    for (let next = this.#answers[0]?.first; next !== undefined; next = this.#answers[0]?.first) {
      if (next.batch.baseOffset >= until) {
        builder.skipTo(until)
        break
      }
      if (builder.recordCount > 0 && builder.bytes + next.size > maxBytes) break
      if (!this.#add(builder, next, maxRecords, until)) break
      this.#shift(next)
    }
    if (builder.untilOffset === this.#handedOut) return undefined
    this.#handedOut = builder.untilOffset
    return builder.build()
  }

  /** A batch that can't be decompressed ends what can be read: it and all behind it is let go of. */
  #add(builder: SliceBuilder, next: BufferedBatch, maxRecords: number, until: number): boolean {
    try {
      return builder.add(next, maxRecords, until)
    } catch (error) {
      if (!(error instanceof TidemarkError)) throw error
      const { buffer, start, end } = next.batch
      this.#damaged(error, unreadableAt(buffer, start, end))
      this.#clear()
      return false
    }
  }

  #buffer(piece: Piece, aborted: FetchedPartition['aborted'], isolation: Isolation): void {
    const { fetchOffset: fromOffset } = this
    const { batches, damaged } = readBatches(piece.bytes)
    if (damaged !== undefined) this.#damaged(damaged.error, damaged.unreadable)
    const waiting = batches.filter(({ lastOffset }) => lastOffset >= fromOffset)
    const last = waiting.at(-1)
    if (last !== undefined) {
      const hide = isolation === 'read_committed' ? abortedIn(aborted) : isControl
      this.#answers.push(new BufferedAnswer({ piece, end: last.end, fromOffset, hide }, this.#keep))
      for (const { start, end } of waiting) this.bufferedBytes += end - start
      this.fetchOffset = last.lastOffset + 1
      this.fetchedEpoch = last.leaderEpoch
    }
    piece.release()
  }

  #shift({ size }: BufferedBatch): void {
    this.bufferedBytes -= size
    const [answer] = this.#answers
    answer?.shift()
    if (answer?.first !== undefined) return
    answer?.release()
    this.#answers.shift()
  }

  #clear(): void {
    for (const answer of this.#answers) answer.release()
    this.#answers.length = 0
    this.bufferedBytes = 0
  }
}

function isControl({ control }: RecordBatch): boolean {
  return control
}

/** Says of each batch, in offset order, whether it is a control batch or belongs to an aborted transaction: the response's list says where each began, its abort marker where it ends. */
function abortedIn(aborted: FetchedPartition['aborted']): (batch: RecordBatch) => boolean {
  const pending = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset)
  const open = new Set<number>()
  return (batch) => {
    while (pending[0] !== undefined && pending[0].firstOffset <= batch.lastOffset)
      open.add((pending.shift() as { producerId: number }).producerId)
    if (isAbortMarker(batch)) open.delete(batch.producerId)
    return batch.control || (batch.transactional && open.has(batch.producerId))
  }
}
