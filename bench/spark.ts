import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LabAdmin } from '../lab/admin.ts'
import { sparkEnvironment } from '../lab/spark.ts'
import { connect, guard, openStore, type Log, type Store } from '../src/index.ts'
import type { Benchmark } from './benchmark.ts'
import { alternate, median, type Contender, type Measured } from './measure.ts'
import { PARTITIONS, Saver } from './saver.ts'
import { startBroker, startKeeper } from './servers.ts'
import type { Beside, Table } from './table.ts'

/** Batches of one query, and those of them that warm it up. */
const BATCHES = 45
const WARM_UP = 5
/** Records of one batch, over all partitions. */
const PER_BATCH = 8_000
/** How often a save is measured in one round. */
const SAVES = 200
const VERSION = '4.1.1'
const GROUP = 'bench'
const TOPIC = 'orders'

/** What Spark says of a batch, ms. */
interface Durations {
  readonly triggerExecution: number
  readonly walCommit: number
  readonly commitOffsets: number
}

/** What all rounds of the queries gave besides their batch times, ms. */
interface Seen {
  /** Spark's own custody of a batch: walCommit + commitOffsets. */
  readonly custody: number[]
  /** From a batch's commit file to its offsets in the store, by store. */
  readonly delays: Readonly<Record<'sqlite' | 'zookeeper', number[]>>
}

/** What custody costs per batch beside Spark's own, and what following a query adds to it. */
export const spark: Benchmark = async (settings) => {
  settings.say('starting a broker and a ZooKeeper')
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-bench-'))
  await using broker = await startBroker()
  await using keeper = await startKeeper()
  await using admin = new LabAdmin(broker.bootstrapServers)
  await using log = await connect({ bootstrapServers: broker.bootstrapServers })
  await using zookeeper = await openStore(`zookeeper://${keeper.connectString}`)
  await using sqlite = await openStore(`sqlite:${join(folder, 'tidemark.db')}`)
  await admin.createTopic(TOPIC, { partitions: PARTITIONS, configs: { 'retention.ms': -1 } })
  await fill(admin)
  const seen: Seen = { custody: [], delays: { sqlite: [], zookeeper: [] } }
  const query = new Query(folder, broker.bootstrapServers, await sparkEnvironment(VERSION))
  const [file, tree] = [new Saver(sqlite, 'bench-saver'), new Saver(zookeeper, 'bench-saver')]
  for (const saver of [file, tree]) await saver.open()
  try {
    const measured = await alternate(
      {
        alone: unfollowed(query, seen),
        sqlite: followed('SQLite', query, log, sqlite, seen.delays.sqlite),
        zookeeper: followed('ZooKeeper', query, log, zookeeper, seen.delays.zookeeper),
        sqliteTogether: saves('Tidemark, SQLite: a batch saved and the next one planned, one write, as a job does', () => file.together()),
        sqliteApart: saves('Tidemark, SQLite: a batch planned, then saved, two writes, as a step does', () => file.apart()),
        zookeeperTogether: saves('Tidemark, ZooKeeper: one write', () => tree.together()),
        zookeeperApart: saves('Tidemark, ZooKeeper: two writes', () => tree.apart()),
      },
      settings,
    )
    return tables(measured, seen)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function fill(admin: LabAdmin): Promise<void> {
  const perPartition = (BATCHES * PER_BATCH) / PARTITIONS
  for (let partition = 0; partition < PARTITIONS; partition++) {
    for (let from = 0; from < perPartition; from += 5_000) {
      await admin.produce(
        Array.from({ length: Math.min(5_000, perPartition - from) }, (_, index) => ({
          topic: TOPIC,
          partition,
          value: `${partition}.${from + index}`,
        })),
      )
    }
  }
}

/** The same query again and again, each time on a checkpoint of its own. */
class Query {
  readonly #folder: string
  readonly #brokers: string
  readonly #env: Readonly<Record<string, string>>
  #count = 0

  constructor(folder: string, brokers: string, env: Readonly<Record<string, string>>) {
    this.#folder = folder
    this.#brokers = brokers
    this.#env = env
  }

  /** Where the next run has its checkpoint. */
  next(): string {
    return join(this.#folder, `checkpoint-${++this.#count}`)
  }

  async run(checkpoint = this.next()): Promise<readonly Durations[]> {
    const words = [join(import.meta.dirname, 'query.py'), this.#brokers, TOPIC, checkpoint, String(PER_BATCH)]
    const child = spawn('python3', words, { env: { ...process.env, ...this.#env }, stdio: ['ignore', 'pipe', 'pipe'] })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (chunk) => (stdout += String(chunk)))
    child.stderr.on('data', (chunk) => (stderr += String(chunk)))
    const [code] = (await once(child, 'close')) as [number | null]
    if (code !== 0) throw new Error(`the query ended with ${code}: ${stderr.slice(-2_000)}`)
    return (JSON.parse(String(stdout.trim().split('\n').at(-1))) as Durations[]).slice(WARM_UP)
  }
}

function batchTime(durations: readonly Durations[]): { value: number } {
  return { value: median(durations.map(({ triggerExecution }) => triggerExecution)) }
}

function unfollowed(query: Query, seen: Seen): Contender {
  const run = async () => {
    const durations = await query.run()
    seen.custody.push(median(durations.map(({ walCommit, commitOffsets }) => walCommit + commitOffsets)))
    return batchTime(durations)
  }
  return { name: `Spark ${VERSION} alone`, run }
}

function followed(name: string, query: Query, log: Log, store: Store, delays: number[]): Contender {
  const run = async () => {
    const checkpoint = query.next()
    const saved = new Map<number, number>()
    let durations: readonly Durations[] = []
    const command = {
      run: async () => {
        durations = await query.run(checkpoint)
        return 0
      },
      stop: () => {},
      isStopped: false,
    }
    await guard(log, timed(store, saved), { group: `${GROUP}-${checkpoint.replaceAll('/', '.')}`, topics: [TOPIC], checkpoint, command })
    delays.push(...(await delaysOf(checkpoint, saved)))
    return batchTime(durations)
  }
  return { name: `the same, followed by guard into ${name}`, run }
}

/** A store that notes when the offsets of a batch were in it, by the offset of partition 0. */
function timed(store: Store, saved: Map<number, number>): Store {
  const save: Store['save'] = async (group, writes) => {
    const results = await store.save(group, writes)
    const offset = writes.find(({ partition }) => partition === 0)?.position?.offset
    if (offset !== undefined) saved.set(offset, Date.now())
    return results
  }
  return new Proxy(store, { get: (target, name) => (name === 'save' ? save : bound(target, name as keyof Store)) })
}

function bound(store: Store, name: keyof Store): unknown {
  const value: unknown = store[name]
  return typeof value === 'function' ? (value.bind(store) as unknown) : value
}

/** From the moment in which a commit file got its name to the one in which its offsets were in the store, ms. */
async function delaysOf(checkpoint: string, saved: ReadonlyMap<number, number>): Promise<number[]> {
  const batches = (await readdir(join(checkpoint, 'commits'))).filter((name) => /^\d+$/.test(name) && Number(name) >= WARM_UP)
  const found = await Promise.all(
    batches.map(async (batch) => {
      const offsets = await readFile(join(checkpoint, 'offsets', batch), 'utf8')
      const at = saved.get(Number(/"0":(\d+)/.exec(String(offsets.split('\n').at(-1)))?.[1]))
      const { ctimeMs } = await stat(join(checkpoint, 'commits', batch))
      return at === undefined ? [] : [at - ctimeMs]
    }),
  )
  return found.flat()
}

function saves(name: string, save: () => Promise<void>): Contender {
  const run = async () => {
    const times = []
    for (let count = 0; count < SAVES; count++) {
      const start = performance.now()
      await save()
      times.push(performance.now() - start)
    }
    return { value: median(times) }
  }
  return { name, run }
}

type Name = 'alone' | 'sqlite' | 'zookeeper' | 'sqliteTogether' | 'sqliteApart' | 'zookeeperTogether' | 'zookeeperApart'

function tables(measured: Readonly<Record<Name, Measured>>, seen: Seen): Table[] {
  const { alone, sqlite, zookeeper, sqliteTogether, sqliteApart, zookeeperTogether, zookeeperApart } = measured
  const own = measuredAs(`Spark ${VERSION}, walCommit + commitOffsets`, seen.custody)
  const unit = { name: 'ms', digits: 2, better: 'less' } as const
  return [
    {
      title: `spark: custody of one batch of ${PARTITIONS} partitions`,
      unit,
      rows: [
        { measured: own },
        ...[sqliteTogether, sqliteApart].map((one) => ({ measured: one, beside: beside('speed-up', own, 'Spark’s own', 100) })),
        ...[zookeeperTogether, zookeeperApart].map((one) => ({ measured: one, beside: beside('speed-up', own, 'Spark’s own', 40) })),
      ],
    },
    {
      title: `spark: a batch of ${PER_BATCH.toLocaleString('en-US')} records, the median of ${BATCHES - WARM_UP} (triggerExecution)`,
      unit: { ...unit, digits: 0 },
      rows: [
        { measured: alone },
        { measured: sqlite, beside: beside('cost', alone, 'alone') },
        { measured: zookeeper, beside: beside('cost', alone, 'alone') },
      ],
    },
    {
      title: 'spark: from the commit file to the store (to reach: 100 ms at the median)',
      unit: { ...unit, digits: 0 },
      rows: [{ measured: measuredAs('SQLite', seen.delays.sqlite) }, { measured: measuredAs('ZooKeeper', seen.delays.zookeeper) }],
    },
  ]
}

/** What was not measured as a contender of its own. */
function measuredAs(name: string, values: readonly number[]): Measured {
  return { name, values, peaksMb: [], p99s: [] }
}

function beside(kind: Beside['kind'], measured: Measured, called: string, ...targets: number[]): Beside[] {
  return [{ measured, called, kind, targets }]
}
