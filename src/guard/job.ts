import { keyOf } from '../core/position.ts'
import type { OffsetRange } from '../core/position.ts'
import type { PlanEntry } from '../core/plan.ts'
import { publishDone } from '../diagnostics.ts'
import { openExternal } from '../external/custody.ts'
import type { External, ExternalOptions } from '../external/options.ts'
import { withDefaults } from '../job/options.ts'
import type { Log } from '../kafka/log.ts'
import { printOffsetsOption } from '../spark/offsets-option.ts'
import type { Store } from '../store/store.ts'
import { reconcile } from '../verbs/reconcile.ts'
import { openDoneFile } from './done-file.ts'
import type { DoneFile } from './done-file.ts'
import type { Beginning, Guarded } from './guarded.ts'
import { isDisputed } from './disputes.ts'
import { parseReport } from './reports.ts'

/** How often we look for what the job reports, ms. */
const LOOK_EVERY_MS = 25

/** A job that is given its offsets and reports each range that it has done: a DStream, a shell script. */
export class GuardedJob implements Guarded {
  readonly restartsWhenRefused = false
  readonly #log: Log
  readonly #store: Store
  readonly #options: ExternalOptions & { readonly done?: string | undefined }
  readonly #ranges = new Map<string, OffsetRange>()
  #external: External | undefined
  #done: DoneFile | undefined

  constructor(log: Log, store: Store, options: ExternalOptions & { readonly done?: string | undefined }) {
    this.#log = log
    this.#store = store
    this.#options = options
  }

  async begin(): Promise<Beginning> {
    await this[Symbol.asyncDispose]()
    this.#external = await openExternal(this.#log, this.#store, this.#options)
    // A new file for each start: what an earlier one left there unread is done again, and never taken for the work of this one.
    this.#done = await openDoneFile(this.#options.done)
    const offsets = this.#external.positions().map(({ topic, partition, position }) => ({ topic, partition, offset: position.offset }))
    return { startingOffsets: printOffsetsOption(offsets), done: this.#done.path }
  }

  async follow(over: AbortSignal): Promise<void> {
    const { clock } = withDefaults(this.#options)
    for (;;) {
      const isLast = over.aborted
      const lines = (await this.#done?.read()) ?? []
      if (lines.length > 0) await this.#save(lines.map(parseReport))
      else if (isLast) break
      else await clock.sleep(LOOK_EVERY_MS, over)
    }
    const rest = this.#done?.rest()
    if (rest !== undefined) await this.#save([parseReport(rest)])
  }

  async disputes(): Promise<readonly PlanEntry[]> {
    return (await reconcile(this.#log, this.#store, this.#options)).entries.filter(isDisputed)
  }

  ranges(): readonly OffsetRange[] {
    return [...this.#ranges.values()]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#external?.close()
    await this.#done?.[Symbol.asyncDispose]()
    this.#external = undefined
    this.#done = undefined
  }

  async #save(ranges: readonly OffsetRange[]): Promise<void> {
    await publishDone(this.#options.group, ranges, async () => this.#external?.done(ranges))
    for (const range of ranges) {
      const { fromOffset = range.fromOffset } = this.#ranges.get(keyOf(range)) ?? {}
      if (range.untilOffset > range.fromOffset) this.#ranges.set(keyOf(range), { ...range, fromOffset })
    }
  }
}
