import { resolve } from 'node:path'
import type { Custody } from '../../core/custody.ts'
import type { LedgerRow } from '../../core/ledger.ts'
import { keyOf, type TopicPartition } from '../../core/position.ts'
import { TidemarkError } from '../../errors.ts'
import { openFiles, type Files } from '../../files/files.ts'
import { readBatch } from '../../spark/checkpoint.ts'
import type { Capabilities, DriverOptions, LedgerQuery, Member, StoreDriver, Write, WriteResult } from '../driver.ts'
import { DEFAULT_LEDGER, openLedgerFile, type Intent, type LedgerFile, type Outcome } from '../ledger-file.ts'
import { finishMove, move } from './move.ts'
import { batchOf, custodyOf, partitionsOf, readScene, type Scene } from './scene.ts'
import { readSidecar } from './sidecar.ts'

const capabilities: Capabilities = {
  durable: true,
  shared: true,
  anyGroupName: true,
  bareNumber: true,
  transactions: false,
  progress: false,
  members: false,
  compareAndSet: true,
  groups: false,
}

/**
 * Opens `spark-checkpoint:DIR`, DIR being the checkpointLocation of a Structured Streaming query: a path, `s3://bucket/prefix` or
 * `hdfs://namenode:http-port/path`. The group is a label; the ledger is a file of its own.
 * @throws TidemarkError USAGE; STORE_NOT_FOUND where there is no checkpoint
 */
export async function openSparkCheckpoint(url: string, { mode, ledger = DEFAULT_LEDGER }: DriverOptions): Promise<StoreDriver> {
  const files = await openFiles(url.slice('spark-checkpoint:'.length))
  try {
    await assertCheckpoint(files)
  } catch (error) {
    await files.close()
    throw error
  }
  return new SparkCheckpoint(files, openLedgerFile(resolve(ledger), `spark-checkpoint:${files.url}`), mode)
}

/** Nothing there at all is nearly always a wrong path. */
async function assertCheckpoint(files: Files): Promise<void> {
  const found = await Promise.all([files.read('metadata'), files.list('offsets'), files.list('commits')])
  if (found.some((one) => one !== undefined)) return
  throw new TidemarkError('STORE_NOT_FOUND', `there is no checkpoint of a streaming query in ${files.url}`, {
    hint: 'Name the directory that the query has as its checkpointLocation',
  })
}

/** A Structured Streaming checkpoint: read as Spark reads it, and moved only while its query is stopped. See scene.ts and move.ts. */
class SparkCheckpoint implements StoreDriver {
  readonly capabilities = capabilities
  readonly #files: Files
  readonly #ledger: LedgerFile
  readonly #mode: DriverOptions['mode']

  constructor(files: Files, ledger: LedgerFile, mode: DriverOptions['mode']) {
    this.#files = files
    this.#ledger = ledger
    this.#mode = mode
  }

  async load(group: string, partitions?: readonly TopicPartition[]): Promise<Custody[]> {
    const scene = await this.#settled(group)
    const named = await this.#ledger.partitions(group)
    const inLedger = new Set(named.map(keyOf))
    const known = new Map([...named, ...partitionsOf(scene)].map((partition) => [keyOf(partition), partition]))
    return (partitions ?? [...known.values()]).map((partition) => custodyOf(scene, partition, inLedger.has(keyOf(partition))))
  }

  async save(group: string, writes: readonly Write[]): Promise<WriteResult[]> {
    assertMoves(writes)
    const scene = await this.#settled(group)
    const moves = writes.filter(({ expected }) => expected === scene.revision)
    const revision = moves.length === 0 ? undefined : await move({ files: this.#files, ledger: this.#ledger, group }, scene, moves)
    const refused = writes.filter((write) => revision === undefined || !moves.includes(write))
    const found = refused.length === 0 ? [] : await this.load(group, refused)
    return writes.map((write): WriteResult => {
      const at = refused.indexOf(write)
      return at < 0 ? { status: 'saved', revision: revision as string } : { status: 'changed', found: found[at] as Custody }
    })
  }

  async groups(): Promise<string[]> {
    throw unsupported('holds no groups: the group is a label, for the ledger', 'Name one with --group')
  }

  async ledger(query: LedgerQuery): Promise<LedgerRow[]> {
    return this.#ledger.rows(query, (intents) => this.#judge(intents))
  }

  async heartbeat(): Promise<void> {
    throw unsupported(
      'takes no progress of a job of Tidemark’s: Spark saves its own',
      'Let guard watch the query, or give the job another store',
    )
  }

  async leave(): Promise<void> {}

  /** A query that runs can't be seen: whoever creates the next batch second fails. */
  async members(): Promise<Member[]> {
    return []
  }

  async close(): Promise<void> {
    this.#ledger.close()
    await this.#files.close()
  }

  /** The checkpoint; in write mode once what others began and did not finish is finished. */
  async #settled(group: string): Promise<Scene> {
    if (this.#mode === 'read') return readScene(this.#files)
    const scene = await finishMove(this.#files, await readScene(this.#files))
    await this.#ledger.settle(group, (intents) => this.#judge(intents))
    return scene
  }

  /** A move was made if the batch after the one that it expected is there with a sidecar that names its save ID. */
  async #judge(intents: readonly Intent[]): Promise<Outcome[]> {
    const { checkpoint } = await readScene(this.#files)
    return Promise.all(intents.map((intent) => this.#outcomeOf(intent, checkpoint.planned ?? -1)))
  }

  async #outcomeOf({ expected, saveId, topic, partition }: Intent, newest: number): Promise<Outcome> {
    const batch = (batchOf(expected) ?? -1) + 1
    const log = await readBatch(this.#files, batch)
    // Spark removes old batches: what it made of that one can't be seen any more.
    if (log === undefined) return newest > batch ? 'unknown' : 'not-done'
    const identities = await readSidecar(this.#files, batch, log)
    return identities?.get(keyOf({ topic, partition }))?.saveId === saveId ? 'done' : 'not-done'
  }
}

/** @throws TidemarkError STORE_UNSUPPORTED for what only a job's progress needs */
function assertMoves(writes: readonly Write[]): void {
  if (
    writes.every(
      ({ position, planned, ownerEpoch, owner }) =>
        position !== undefined && planned === undefined && ownerEpoch === 0 && owner === undefined,
    )
  )
    return
  throw unsupported(
    'takes moves only: no owner, no plan, no progress of a job of Tidemark’s',
    'Let guard watch the query, or give the job another store',
  )
}

function unsupported(what: string, hint: string): TidemarkError {
  return new TidemarkError('STORE_UNSUPPORTED', `a Spark checkpoint ${what}`, { hint })
}
