import { readdirSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Proxy } from '../lab/proxy.ts'
import type { Crew } from './crew.ts'
import { fillDisk, lockDatabase } from './disk.ts'
import type { Load } from './load.ts'
import type { Fault, FaultKind } from './plan.ts'
import type { Stage } from './stage.ts'

/** Everything that faults happen to. */
export interface Round {
  /** Topic and group. */
  readonly name: string
  readonly stage: Stage
  readonly load: Load
  readonly crew: Crew
  /** With the SQLite store: the file, and the small disk that it is on, where there is one. */
  readonly database?: { readonly file: string; readonly disk: string | undefined }
}

/** Kinds of requests, as the proxies tell them apart: Kafka's Fetch, ZooKeeper's multi. */
const [FETCH, MULTI] = [1, 14]
/** A request to be lost may not come: the store is away, or no worker is at work. */
const TRAP_MS = 4_000
/** Retention leaves a few records, and takes at least one. */
const WHOLE_LOG = 0.95
/** Most logs that are made anew or cut have outgrown the old offsets before anybody looks: by the numbers alone all is well. */
const OFTEN = 0.75

/** Carries a fault out, and returns what can be said of it when it is over. */
export function carryOut(fault: Fault, round: Round): Promise<string> {
  return FAULTS[fault.kind](fault, round)
}

type CarryOut = (fault: Fault, round: Round) => Promise<string>

const FAULTS: Record<FaultKind, CarryOut> = {
  'broker-killed': async ({ ms }, { stage: { kafka } }) => {
    await kafka.broker().kill()
    await sleep(ms)
    await kafka.broker().start()
    return `away for ${ms} ms and a start`
  },
  'broker-restarted': async (_, { stage: { kafka } }) => {
    await kafka.broker().restart()
    return 'in good order'
  },
  'log-cut': cutLog,
  retention: async ({ partition, share }, { name, load, stage: { admin } }) => {
    const { start, end } = await load.offsets(partition)
    const before = Math.min(end, start + Math.ceil((end - start) * share * WHOLE_LOG))
    if (before > start) await admin.deleteRecords(name, partition, before)
    return `partition ${partition}: its log, ${start} to ${end}, starts at ${before}`
  },
  recreated: async ({ share }, { load }) => {
    const before = load.topicId
    const grown = share < OFTEN
    await load.recreate(grown)
    return `${before} is ${load.topicId} now${grown ? ', and longer' : ''}`
  },
  'kafka-cut': (fault, { stage }) => cutNetwork(fault, stage.kafkaNetwork),
  'kafka-dropped': async (_, { stage: { kafkaNetwork } }) => {
    const { connections } = kafkaNetwork
    kafkaNetwork.dropConnections()
    return `${connections} connections`
  },
  'fetch-reply-lost': (_, { stage }) => orNothing(stage.kafkaNetwork.loseReply(FETCH)),
  'zookeeper-frozen': async ({ ms }, { stage: { zooKeeper } }) => {
    zooKeeper.pause()
    await sleep(ms)
    zooKeeper.resume()
    return `for ${ms} ms`
  },
  'zookeeper-killed': async ({ ms }, { stage: { zooKeeper } }) => {
    await zooKeeper.kill()
    await sleep(ms)
    await zooKeeper.start()
    return `away for ${ms} ms and a start`
  },
  'store-cut': (fault, { stage, crew }) => cutNetwork(fault, stage.storeNetwork[crew.active]),
  'save-reply-lost': (_, { stage, crew }) => orNothing(stage.storeNetwork[crew.active].loseReply(MULTI)),
  'save-request-lost': (_, { stage, crew }) => orNothing(stage.storeNetwork[crew.active].loseRequest(MULTI)),
  'disk-full': async ({ ms }, { database }) => {
    if (database?.disk === undefined) return 'left out: no small disk can be mounted here'
    const makeRoom = fillDisk(database.disk, database.file)
    await sleep(ms)
    makeRoom()
    return `for ${ms} ms`
  },
  'file-locked': async ({ ms }, { database }) => {
    if (database === undefined) return 'left out: there is no file'
    const letGo = lockDatabase(database.file)
    await sleep(ms)
    letGo()
    return `for ${ms} ms`
  },
  'worker-killed': async ({ ms }, { crew }) => {
    const slot = crew.active
    await crew.kill(slot)
    await sleep(ms / 4)
    await crew.ensure()
    return `${slot}, and nobody at work for ${Math.round(ms / 4)} ms`
  },
  'taken-over': async (_, { crew }) => {
    const before = crew.active
    await crew.takeOver()
    return `from ${before} by ${crew.active}`
  },
  'worker-frozen': async ({ ms }, { crew }) => {
    const before = crew.active
    crew.freeze(before)
    await crew.takeOver()
    await sleep(ms)
    crew.thaw(before)
    return `${before} for ${ms} ms and a start, taken over from by ${crew.active}`
  },
  'worker-stopped': async (_, { crew }) => {
    const slot = crew.active
    await crew.stop(slot)
    await crew.ensure()
    return `${slot}, in good order`
  },
}

async function cutNetwork({ ms, way }: Fault, network: Proxy): Promise<string> {
  if (way === 'both') network.cut()
  else network.freeze(way)
  await sleep(ms)
  network.heal()
  return way === 'both' ? `for ${ms} ms` : `its ${way} kept back for ${ms} ms`
}

async function orNothing(lost: Promise<void>): Promise<string> {
  const over = new AbortController()
  const late = sleep(TRAP_MS, 'none came', { signal: over.signal }).catch(() => '')
  const outcome = await Promise.race([lost.then(() => 'done'), late])
  over.abort()
  return outcome
}

/** What a power failure does to records that were acknowledged by the only replica and not on its disk yet: kill -9, and the end of the log is not there. */
function cutLog({ partition, share }: Fault, { name, load, stage: { kafka } }: Round): Promise<string> {
  return load.alone(async () => {
    const { start, end } = await load.offsets(partition)
    await kafka.broker().kill()
    const folder = join(kafka.broker().dataDir, `${name}-${partition}`)
    const [segment = ''] = readdirSync(folder)
      .filter((file) => file.endsWith('.log'))
      .toSorted()
      .toReversed()
    const file = join(folder, segment)
    truncateSync(file, Math.ceil(statSync(file).size * (1 - share / 2)))
    await kafka.broker().start()
    const { end: now } = await load.offsets(partition)
    const grown = share < OFTEN
    const lost = await load.wasCut(partition, now, grown)
    return `partition ${partition}: its log, ${start} to ${end}, was cut at ${now}; ${lost} records are gone${grown ? ', and others in their place' : ''}`
  })
}
