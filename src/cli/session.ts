import { TidemarkError } from '../errors.ts'
import type { Log } from '../kafka/log.ts'
import type { Store } from '../store/store.ts'
import type { CommonOptions } from './options.ts'
import { withProgress } from './progress.ts'
import type { Done } from './progress.ts'

/** Closing is a courtesy to the other side: the process ends either way. */
const CLOSE_MS = 1_000

/** What cluster and store take if nothing says how long they may. */
const DEFAULT_TIMEOUT_MS = 30_000

/** The group that a verb works on. @throws TidemarkError USAGE */
export function groupOf({ group }: CommonOptions): string {
  if (group === undefined || group === '') throw new TidemarkError('USAGE', 'no group is named', { hint: 'Add --group' })
  return group
}

/** Works with the store alone, and closes it. `kafka:` is the groups of the cluster: it is not there without one. */
export async function withStore<T>(options: CommonOptions, mode: 'read' | 'write', work: (store: Store) => Promise<T>): Promise<T> {
  if (options.store.toLowerCase() === 'kafka:') return withLogAndStore(options, mode, (_log, store) => work(store))
  return withOpenStore(options, mode, undefined, work)
}

/** Asks the cluster and the store something: {@link withLogAndStore}, and on a terminal how much of the time it may take is over. */
export function askLogAndStore<T>(
  options: CommonOptions,
  mode: 'read' | 'write',
  work: (log: Log, store: Store) => Promise<T>,
): Promise<T> {
  const started = performance.now()
  const done = (): Done => ({
    value: Math.round((performance.now() - started) / 1_000),
    total: (options.timeout ?? DEFAULT_TIMEOUT_MS) / 1_000,
  })
  return withProgress('asking the cluster and the store', 's at most', done, () => withLogAndStore(options, mode, work))
}

/** Works with the cluster and the store, and closes both. Neither of their clients is loaded before. */
export async function withLogAndStore<T>(
  options: CommonOptions,
  mode: 'read' | 'write',
  work: (log: Log, store: Store) => Promise<T>,
): Promise<T> {
  const log = options.log ?? (await connected(options))
  return closing(log, () => withOpenStore(options, mode, log, (store) => work(log, store)))
}

async function withOpenStore<T>(
  { store: url, ledger, timeout }: CommonOptions,
  mode: 'read' | 'write',
  log: Log | undefined,
  work: (store: Store) => Promise<T>,
): Promise<T> {
  const { openStore } = await import('../store/store.ts')
  const store = await openStore(url, { mode, timeoutMs: timeout, ledger, log })
  return closing(store, () => work(store))
}

async function connected({ bootstrapServer, commandConfig, timeout }: CommonOptions): Promise<Log> {
  const { connect } = await import('../kafka/connect.ts')
  return connect({ bootstrapServers: bootstrapServer, properties: commandConfig, timeoutMs: timeout })
}

async function closing<T>(resource: { close(): Promise<void> }, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } finally {
    const late = new Promise((resolve) => setTimeout(resolve, CLOSE_MS).unref())
    // What went wrong before is what counts, and a result that is there stays one.
    await Promise.race([resource.close().catch(() => {}), late])
  }
}
