import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { close, type Account } from '../lab/account.ts'
import { temporaryFolder } from '../lab/java.ts'
import { waitFor } from '../lab/wait.ts'
import { cache } from '../scripts/paths.mjs'
import { positionOf } from '../src/core/custody.ts'
import { openStore, type LedgerRow, type Store } from '../src/index.ts'
import { Crew } from './crew.ts'
import { smallDisk } from './disk.ts'
import { carryOut, type Round } from './faults.ts'
import { Load, partitions } from './load.ts'
import type { Fault, Step, StoreKind } from './plan.ts'
import { readSink, unsaved } from './sink.ts'
import { heal, type Slot, type Stage } from './stage.ts'
import type { Teller } from './tell.ts'

/** Where the workers' logs of the last run go. */
export const logFolder = join(cache, 'chaos')
/** A worker's ZooKeeper session. */
const SESSION_MS = 4_000
const DRAIN_MS = 120_000

/** What a round came to. */
export interface Outcome {
  readonly store: StoreKind
  readonly account: Account
  readonly produced: number
  readonly ledger: readonly LedgerRow[]
  /** What went wrong besides what the account says, one sentence each. */
  readonly wrong: readonly string[]
}

/** Carries a plan out with one kind of store under the workers, ends all faults, lets everything be handled, and closes the books. */
export async function playRound(store: StoreKind, plan: readonly Step[], stage: Stage, teller: Teller): Promise<Outcome> {
  await using opened = new AsyncDisposableStack()
  const name = `chaos-${store}`
  const folder = temporaryFolder('chaos')
  const disk = store === 'sqlite' ? smallDisk() : undefined
  const file = join(disk ?? folder, `${name}.db`)
  const url = (port: number) => (store === 'sqlite' ? `sqlite:${file}` : `zookeeper://127.0.0.1:${port}?session-timeout=${SESSION_MS}`)
  const storeUrl = (slot: Slot) => url(stage.storeNetwork[slot].port)
  const crew = opened.use(new Crew({ bootstrapServers: stage.kafka.bootstrapServers, storeUrl, name, folder }))
  opened.defer(() => cpSync(folder, logFolder, { recursive: true }))
  const load = new Load(name, stage.kafka.broker().directAddress, stage.admin)
  const round: Round = { name, stage, load, crew, ...(store === 'sqlite' ? { database: { file, disk } } : {}) }
  await load.start()
  opened.defer(() => load.stop())
  teller.watch({ produced: () => load.produced.length, handled: () => readSink(crew.sink).handled.length })
  await crew.ensure()
  await waitFor('the first records to be handled', () => readSink(crew.sink).handled.length > 0)
  await carryOutAll(plan, round, teller)
  await load.stop()
  const direct = await openStore(url(stage.zooKeeper.port), { mode: 'read' })
  opened.use(direct)
  const undrained = await drain(round, direct)
  return closeTheBooks(store, round, await direct.ledger({ group: name }), undrained)
}

async function carryOutAll(plan: readonly Step[], round: Round, teller: Teller): Promise<void> {
  for (const { pauseMs, faults } of plan) {
    await sleep(pauseMs)
    await round.crew.ensure()
    await Promise.all(faults.map((fault) => carryOutOne(fault, round, teller)))
  }
}

async function carryOutOne(fault: Fault, round: Round, teller: Teller): Promise<void> {
  teller.begins(fault)
  teller.ended(fault, await carryOut(fault, round))
}

/** Ends all faults and waits until a worker has saved the offsets of everything; what did not get there is the answer. */
async function drain({ name, stage, load, crew }: Round, store: Store): Promise<readonly string[]> {
  await heal(stage)
  await crew.stopAll()
  const ends = await Promise.all(partitions.map(async (partition) => (await load.offsets(partition)).end))
  const open = async (): Promise<string[]> => {
    await crew.ensure()
    const custody = await store.load(
      name,
      partitions.map((partition) => ({ topic: name, partition })),
    )
    return custody.flatMap((one) => {
      const position = positionOf(one)
      const end = ends[one.partition]
      if (position?.offset === end && position?.topicId === load.topicId) return []
      return [`partition ${one.partition} was not drained: the log ends at ${end}, the committed offset is ${position?.offset}`]
    })
  }
  await waitFor('everything to be handled', async () => (await open()).length === 0, DRAIN_MS, 250).catch(() => undefined)
  const undrained = await open()
  await crew.stopAll()
  return undrained
}

function closeTheBooks(
  store: StoreKind,
  { load: { produced, topics, cut }, crew }: Round,
  ledger: readonly LedgerRow[],
  undrained: readonly string[],
): Outcome {
  const writings = readSink(crew.sink)
  const account = close({ produced, topics, cut, ledger, handled: writings.handled, replanned: unsaved(writings, produced) })
  const [final] = writings.lives.slice(-1)
  const late = final?.end === 'as told' ? [] : [`the last worker, ${final?.name}, was told to stop with all well, and ended: ${final?.end}`]
  return { store, account, produced: produced.length, ledger, wrong: [...undrained, ...late, ...crew.strangeEnds()] }
}
