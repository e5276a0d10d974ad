import { setTimeout as sleep } from 'node:timers/promises'
import { TidemarkError } from '../errors.ts'
import { connect } from '../kafka/connect.ts'
import type { Log } from '../kafka/log.ts'
import { openStore } from '../store/store.ts'
import type { Store } from '../store/store.ts'
import type { ClusterConfig, StoreConfig } from './config.ts'
import { Totals } from './totals.ts'

const CLOSE_MS = 1_000

/** How to open what is watched. */
export interface SourceOptions {
  /** How long one question may take, ms. */
  readonly timeoutMs: number
  /** The SQLite file of ledgers, where a store names none. */
  readonly ledger?: string | undefined
}

/** A cluster that is watched, and the stores of those who read it. */
export interface WatchedSource extends AsyncDisposable {
  readonly config: ClusterConfig
  readonly log: Log
  readonly stores: readonly WatchedStore[]
}

/** A store that is watched. */
export interface WatchedStore {
  readonly config: StoreConfig
  readonly totals: Totals
  /** Opens it, to read, where that has not succeeded yet. @throws TidemarkError as openStore does */
  open(): Promise<Store>
}

/**
 * Opens what a configuration names. Whoever is away or refuses is tried again by each round; only what can't be used at all is an error.
 * @throws TidemarkError USAGE for a store's URL or a properties file that can't be used
 */
export async function openSources(clusters: readonly ClusterConfig[], options: SourceOptions): Promise<WatchedSource[]> {
  const opened: WatchedSource[] = []
  try {
    for (const config of clusters) {
      const source = await openCluster(config, options)
      opened.push(source)
      for (const store of source.stores) await store.open().catch(throwUsage)
    }
  } catch (error) {
    await closeSources(opened)
    throw error
  }
  return opened
}

/** Lets go of all of them. Closing is a courtesy to the other side: what takes longer than a second is left. */
export async function closeSources(sources: readonly WatchedSource[]): Promise<void> {
  const closed = Promise.allSettled(sources.map((source) => source[Symbol.asyncDispose]()))
  await Promise.race([closed, sleep(CLOSE_MS, undefined, { ref: false })])
}

async function openCluster(config: ClusterConfig, options: SourceOptions): Promise<WatchedSource> {
  const { bootstrapServers, properties } = config
  const log = await connect({ bootstrapServers, properties, timeoutMs: options.timeoutMs })
  const stores = config.stores.map((store) => new LateStore(config.name, store, log, options))
  return {
    config,
    log,
    stores,
    [Symbol.asyncDispose]: async () => {
      await Promise.allSettled(stores.map((store) => store.close()))
      await log.close()
    },
  }
}

class LateStore implements WatchedStore {
  readonly config: StoreConfig
  readonly totals: Totals
  readonly #open: () => Promise<Store>
  #opened: Promise<Store> | undefined

  constructor(cluster: string, config: StoreConfig, log: Log, { timeoutMs, ledger }: SourceOptions) {
    this.config = config
    this.totals = new Totals({ cluster, store: config.name })
    this.#open = () => openStore(config.url, { mode: 'read', timeoutMs, ledger: config.ledger ?? ledger, log })
  }

  open(): Promise<Store> {
    this.#opened ??= this.#open().catch((error: unknown) => {
      this.#opened = undefined
      throw error
    })
    return this.#opened
  }

  async close(): Promise<void> {
    const store = await this.#opened?.catch(() => undefined)
    await store?.close()
  }
}

/** What else is wrong with a store may pass, and is told of by each round. */
function throwUsage(error: unknown): void {
  if (!(error instanceof TidemarkError) || error.code === 'USAGE') throw error
}
