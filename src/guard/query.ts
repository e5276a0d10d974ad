import type { PlanEntry } from '../core/plan.ts'
import { keyOf } from '../core/position.ts'
import type { OffsetRange, Position } from '../core/position.ts'
import { publishDone } from '../diagnostics.ts'
import { TidemarkError } from '../errors.ts'
import { openExternal } from '../external/custody.ts'
import type { External, ExternalOptions, Standing } from '../external/options.ts'
import { openFiles } from '../files/files.ts'
import type { Files } from '../files/files.ts'
import { patiently } from '../job/notice.ts'
import { withDefaults } from '../job/options.ts'
import type { JobOptions } from '../job/options.ts'
import type { Log } from '../kafka/log.ts'
import { readCheckpoint } from '../spark/checkpoint.ts'
import type { Checkpoint } from '../spark/checkpoint.ts'
import { printOffsetsOption } from '../spark/offsets-option.ts'
import { openStore } from '../store/store.ts'
import type { Store } from '../store/store.ts'
import { isDisputed } from './disputes.ts'
import { CommitLog } from './follow.ts'
import type { CommittedBatch } from './follow.ts'
import type { Beginning, Guarded } from './guarded.ts'
import { planFor, resume } from './resume.ts'

/** How often we look for a batch that was committed, ms: on a disk, and where a look is a request. */
const LOOK_EVERY_MS = { disk: 25, elsewhere: 1_000 }

/** Which query, beside whose work it is. */
export interface QueryOptions extends ExternalOptions {
  /** The query's checkpointLocation: a path, `s3://…`, `hdfs://…`. */
  readonly checkpoint: string
  /** The SQLite file in which moves of the checkpoint are announced and confirmed. Default `./tidemark.db`. */
  readonly ledger?: string | undefined
}

/** A streaming query. Its checkpoint counts, and the store is its mirror; of a query without a batch the store says where it begins. */
export class GuardedQuery implements Guarded {
  readonly restartsWhenRefused = true
  readonly #log: Log
  readonly #store: Store
  readonly #query: Pick<QueryOptions, 'checkpoint' | 'ledger'>
  readonly #options: JobOptions
  readonly #ranges = new Map<string, OffsetRange>()
  #files: Files | undefined
  #external: External | undefined
  /** Partitions that were taken, or are left alone by the policy. */
  #known: ReadonlySet<string> = new Set()
  #commits: CommitLog | undefined

  constructor(log: Log, store: Store, options: QueryOptions) {
    this.#log = log
    this.#store = store
    this.#query = options
    this.#options = withDefaults(options)
  }

  async begin(): Promise<Beginning> {
    const files = (this.#files ??= await openFiles(this.#query.checkpoint))
    if ((await this.#read(files)).partitions.length === 0) await this.#take(undefined)
    else await this.#withCheckpoint('write', async (checkpoint) => this.#take(await resume({ ...this.#parts, checkpoint }, files)))
    this.#commits = new CommitLog(files, (await this.#read(files)).committed)
    const offsets = this.#positions().map(({ topic, partition, position }) => ({ topic, partition, offset: position.offset }))
    return { startingOffsets: printOffsetsOption(offsets) }
  }

  async follow(over: AbortSignal): Promise<void> {
    const isElsewhere = /^(?!file:)[a-z][a-z0-9+-]+:/i.test(this.#query.checkpoint)
    for (;;) {
      const isLast = over.aborted
      const batch = await patiently('the checkpoint', this.#options, async () => this.#commits?.next())
      if (batch !== undefined) {
        await this.#save(batch)
        this.#commits?.seen(batch)
      } else if (isLast) return
      else await this.#options.clock.sleep(isElsewhere ? LOOK_EVERY_MS.elsewhere : LOOK_EVERY_MS.disk, over)
    }
  }

  async disputes(): Promise<readonly PlanEntry[]> {
    const files = this.#files
    if (files === undefined || (await this.#read(files)).partitions.length === 0) return []
    const plan = await this.#withCheckpoint('read', (checkpoint) => planFor({ ...this.#parts, checkpoint }))
    return plan.entries.filter(isDisputed)
  }

  ranges(): readonly OffsetRange[] {
    return [...this.#ranges.values()]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#external?.close()
    await this.#files?.close()
  }

  get #parts(): { log: Log; store: Store; options: JobOptions } {
    return { log: this.#log, store: this.#store, options: this.#options }
  }

  #read(files: Files): Promise<Checkpoint> {
    return patiently('the checkpoint', this.#options, () => readCheckpoint(files))
  }

  async #withCheckpoint<T>(mode: 'read' | 'write', work: (checkpoint: Store) => Promise<T>): Promise<T> {
    const { checkpoint: url, ledger } = this.#query
    await using checkpoint = await openStore(`spark-checkpoint:${url}`, { mode, ledger })
    return await work(checkpoint)
  }

  #positions(): readonly Standing[] {
    return this.#external?.positions() ?? []
  }

  /** Takes custody: where the store stands, or, where positions are given, there. */
  async #take(positions: readonly Standing[] | undefined): Promise<void> {
    await this.#external?.close()
    this.#external = undefined
    const options = positions === undefined ? this.#options : { ...this.#options, topics: undefined, positions }
    this.#external = await openExternal(this.#log, this.#store, options)
    this.#known = new Set([...(positions ?? []), ...this.#positions()].map(keyOf))
  }

  /** Saves a batch's end. Where the store stands elsewhere than where we left it, the checkpoint counts. */
  async #save(batch: CommittedBatch): Promise<void> {
    const held = new Map(this.#positions().map((standing) => [keyOf(standing), standing.position]))
    const ranges = batch.offsets.flatMap(({ topic, partition, offset }): OffsetRange[] => {
      const fromOffset = held.get(keyOf({ topic, partition }))?.offset
      return fromOffset === undefined ? [] : [{ topic, partition, fromOffset, untilOffset: offset }]
    })
    await publishDone(this.#options.group, ranges, () => this.#put(batch, held, ranges))
    for (const range of ranges.filter(({ fromOffset, untilOffset }) => untilOffset > fromOffset)) {
      const { fromOffset } = this.#ranges.get(keyOf(range)) ?? range
      this.#ranges.set(keyOf(range), { ...range, fromOffset })
    }
  }

  async #put(batch: CommittedBatch, held: ReadonlyMap<string, Position>, ranges: readonly OffsetRange[]): Promise<void> {
    const isNew = batch.offsets.some((one) => !this.#known.has(keyOf(one)))
    const goesBack = ranges.some(({ fromOffset, untilOffset }) => untilOffset < fromOffset)
    try {
      if (isNew || goesBack) await this.#takeAt(batch, held)
      else await this.#external?.done(ranges)
    } catch (error) {
      if (!(error instanceof TidemarkError && error.code === 'OFFSET_CHANGED')) throw error
      this.#options.onNotice({ kind: 'moved', text: `${error.message}. The checkpoint counts: the store is set to it again` })
      await this.#takeAt(batch, held)
    }
  }

  /** Takes the partitions anew, those that a batch brought included, at the batch's end. */
  async #takeAt({ offsets }: CommittedBatch, held: ReadonlyMap<string, Position>): Promise<void> {
    await this.#take(
      offsets.map(({ topic, partition, offset }) => {
        const { topicId, clusterId } = held.get(keyOf({ topic, partition })) ?? {}
        return { topic, partition, position: { offset, topicId, clusterId } }
      }),
    )
  }
}
