import type { Handled } from '../../lab/account.ts'
import { waitFor } from '../../lab/wait.ts'
import { run, TidemarkError, type Log, type Notice, type RunOptions, type Store } from '../../src/index.ts'

/** What is asked of a job besides what every job does. */
export interface JobWishes {
  readonly maxRecords?: number | undefined
  readonly maxBytes?: number | undefined
  /** Before each batch's records count as handled. */
  readonly before?: (() => Promise<void>) | undefined
}

/** A job that runs while things happen to it, and writes down what it handled. */
export class RunningJob {
  readonly handled: Handled[] = []
  readonly notices: Notice[] = []
  /** Batches that were handed out. */
  batches = 0
  readonly #stop = new AbortController()
  readonly #ended: Promise<unknown>

  constructor(log: Log, store: Store, options: Omit<RunOptions, 'handler'>, { before, ...limits }: JobWishes = {}) {
    const job: RunOptions = {
      ...options,
      maxRecords: 100,
      ...limits,
      maxWaitMs: 100,
      refreshMs: 500,
      signal: this.#stop.signal,
      onNotice: (notice) => this.notices.push(notice),
      handler: async (batch) => {
        this.batches++
        const records = [...batch.records].map(({ partition, offset, value }) => ({ id: String(value), partition, offset }))
        await before?.()
        this.handled.push(...records)
      },
    }
    this.#ended = run(log, store, job).then(
      () => undefined,
      (error: unknown) => error,
    )
  }

  /** Waits for something to become true while it runs; a job that fails meanwhile is told of. */
  async until(isSo: () => boolean | Promise<boolean>): Promise<void> {
    let failure: unknown
    void this.#ended.then((error) => (failure = error))
    await waitFor(
      'the job to get there',
      () => {
        if (failure !== undefined) throw new Error('the job failed', { cause: failure })
        return isSo()
      },
      60_000,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}; it handled ${this.handled.length} and said ${JSON.stringify(this.notices.slice(-5))}`, {
        cause: failure,
      })
    })
  }

  /** Tells it to stop, and waits for the batch in hand. */
  async stop(): Promise<void> {
    this.#stop.abort()
    const error = await this.#ended
    if (error !== undefined) throw error as Error
  }

  /** It is not waited for any more; what it still does fails with its store. */
  abandon(): void {
    this.#stop.abort()
  }

  /** The code of the error that ends it. */
  async failure(): Promise<string> {
    const error = await this.#ended
    return error instanceof TidemarkError ? error.code : String(error)
  }
}
