import { positionOf } from '../src/core/custody.ts'
import { keyOf } from '../src/core/position.ts'
import type { MemoryPartition } from '../src/testing/memory-partition.ts'
import { excuseCut, excuseDeletion, excuseTampering } from './excuses.ts'
import { Operator } from './operator.ts'
import type { Random } from './random.ts'
import type { Trouble } from './settings.ts'
import type { Slot } from './slot.ts'
import { startWorker } from './worker.ts'
import type { World } from './world.ts'

type Deed = (nemesis: Nemesis) => Promise<void> | void

/** Makes trouble of the kinds that the seed chose, and undoes what passes by itself. */
export class Nemesis {
  readonly world: World
  readonly random: Random
  readonly slots: readonly Slot[]
  #operators = 0
  #strangers = 0

  constructor(world: World, slots: readonly Slot[]) {
    this.world = world
    this.random = world.random.fork()
    this.slots = slots
  }

  /** Deeds until the time is up, each begun without waiting for the ones before. Resolves when all are done. */
  async rage(): Promise<void> {
    const { clock, settings } = this.world
    const deeds = [...settings.troubles].map((trouble) => [trouble, DEEDS[trouble]] as const)
    const end = clock.now() + settings.troubledMs
    const begun: unknown[] = []
    while (clock.now() < end) {
      // Misfortunes never come singly.
      await clock.sleep(this.random.chance(0.3) ? this.random.between(1, 100) : 1 + this.random.next() * 2 * settings.troubleEveryMs)
      const [, deed] = this.random.pick(deeds) ?? []
      begun.push(deed?.(this))
    }
    await Promise.all(begun)
  }

  note(what: string): void {
    this.world.trace.note('nemesis', () => what)
  }

  /** Some partition of those that exist. */
  partition(): MemoryPartition | undefined {
    return this.random.pick(this.world.partitions())
  }

  /** A while, mostly short. */
  while(): number {
    return 50 + this.random.next() ** 3 * 12_000
  }

  /** Undoes something after a while. */
  later(undo: () => void): void {
    void this.world.clock.sleep(this.while()).then(undo)
  }

  /** Some of whose commands are killed half way. */
  async operator(): Promise<Operator> {
    const operator = await Operator.start(this.world, `operator${++this.#operators}`)
    if (this.random.chance(0.2)) operator.killAfter(this.random.between(0, 30))
    return operator
  }

  stranger(): string {
    return `stranger${++this.#strangers}`
  }
}

const DEEDS: Record<Trouble, Deed> = {
  'unclean-elections': cutLog,
  elections: (nemesis) => {
    const partition = nemesis.partition()
    if (partition === undefined) return
    partition.elect(nemesis.random.between(1, 3))
    nemesis.note(`elects broker ${partition.leaderId} for ${nemesis.world.describe(partition)}`)
  },
  'lost-leaders': (nemesis) => {
    const partition = nemesis.partition()
    if (partition === undefined) return
    nemesis.note(`${keyOf(partition)} loses its leader`)
    partition.loseLeader()
    nemesis.later(() => partition.elect(nemesis.random.between(1, 3)))
  },
  'brokers-down': (nemesis) => {
    const { log } = nemesis.world.kafka
    const broker = nemesis.random.between(0, 3)
    nemesis.note(broker === 0 ? 'takes all brokers down' : `takes broker ${broker} down`)
    if (broker === 0) log.setDown(true)
    else log.setBrokerDown(broker, true)
    nemesis.later(() => (broker === 0 ? log.setDown(false) : log.setBrokerDown(broker, false)))
  },
  'stale-brokers': (nemesis) => {
    const { log } = nemesis.world.kafka
    const broker = nemesis.random.between(1, 3)
    nemesis.note(`lets broker ${broker} hear late`)
    log.setLag(broker, nemesis.while())
    nemesis.later(() => log.setLag(broker, 0))
  },
  'late-replication': (nemesis) => {
    const partition = nemesis.partition()
    if (partition === undefined) return
    nemesis.note(`holds up the followers of ${nemesis.world.describe(partition)}`)
    partition.replicate(false)
    nemesis.later(() => partition.replicate(true))
  },
  'recreated-topics': async (nemesis) => {
    const topic = nemesis.random.pick([...nemesis.world.settings.topics.keys()])
    if (topic === undefined) return
    await excuseDeletion(nemesis.world, topic)
    recreate(nemesis, topic)
  },
  'deleted-topics': async (nemesis) => {
    const topic = nemesis.random.pick([...nemesis.world.settings.topics.keys()])
    if (topic === undefined || nemesis.world.kafka.topicIdOf(topic) === undefined) return
    await excuseDeletion(nemesis.world, topic)
    nemesis.note(`deletes ${topic}`)
    nemesis.world.kafka.deleteTopic(topic)
    nemesis.later(() => {
      if (nemesis.world.kafka.topicIdOf(topic) === undefined) recreate(nemesis, topic)
    })
  },
  'more-partitions': (nemesis) => {
    const topic = nemesis.random.pick([...nemesis.world.settings.topics.keys()])
    if (topic === undefined || nemesis.world.partitions().length > 5 || nemesis.world.kafka.topicIdOf(topic) === undefined) return
    nemesis.note(`adds a partition to ${topic}`)
    nemesis.world.kafka.log.addPartitions(topic, 1)
  },
  expiry: (nemesis) => {
    const partition = nemesis.partition()
    if (partition === undefined) return
    const { logStartOffset, logEndOffset } = partition
    nemesis.world.kafka.expire(partition, nemesis.random.between(logStartOffset, logEndOffset))
    nemesis.note(`removes from the start: ${nemesis.world.describe(partition)}`)
  },
  compaction: (nemesis) => {
    const partition = nemesis.partition()
    if (partition === undefined || partition.lastStableOffset <= partition.logStartOffset) return
    const offset = nemesis.random.between(partition.logStartOffset, partition.lastStableOffset - 1)
    nemesis.world.kafka.compact(partition, offset)
    nemesis.note(`compacts ${keyOf(partition)} at ${offset}`)
  },
  damage: (nemesis) => {
    const partition = nemesis.partition()
    if (partition === undefined || partition.logEndOffset === partition.logStartOffset || !nemesis.random.chance(0.3)) return
    const offset = nemesis.random.between(partition.logStartOffset, partition.logEndOffset - 1)
    nemesis.world.kafka.damage(partition, offset)
    nemesis.note(`damages ${keyOf(partition)} at ${offset}`)
  },
  transactions: (nemesis) => {
    const partition = nemesis.partition()
    if (partition === undefined) return
    nemesis.world.kafka.produce(partition, nemesis.random.between(1, 5), true)
    nemesis.note(`begins a transaction: ${nemesis.world.describe(partition)}`)
    nemesis.later(() => nemesis.world.kafka.endTransaction(nemesis.random.chance(0.5) ? 'aborted' : 'committed'))
  },
  'slow-network': (nemesis) => {
    nemesis.world.weather.latencyMs = nemesis.while()
    nemesis.note(`slows the network down, up to ${Math.round(nemesis.world.weather.latencyMs)} ms`)
    nemesis.later(() => (nemesis.world.weather.latencyMs = 3))
  },
  'lost-answers': (nemesis) => {
    nemesis.note('lets requests to brokers get lost')
    nemesis.world.weather.logFaults = nemesis.random.next() * 0.6
    nemesis.later(() => (nemesis.world.weather.logFaults = 0))
  },
  'store-away': (nemesis) => {
    nemesis.note('takes the store away')
    nemesis.world.weather.storeIsAway = true
    nemesis.later(() => (nemesis.world.weather.storeIsAway = false))
  },
  'store-faults': (nemesis) => {
    nemesis.note('lets calls to the store go wrong')
    nemesis.world.weather.storeFaults = nemesis.random.next() * 0.7
    nemesis.later(() => (nemesis.world.weather.storeFaults = 0))
  },
  kills: (nemesis) => {
    const worker = nemesis.random.pick(nemesis.slots)?.worker
    if (worker === undefined) return
    const calls = nemesis.random.between(0, 60)
    nemesis.note(`kills ${worker.program.name} after ${calls} calls`)
    worker.program.life.killAfter(calls)
  },
  pauses: (nemesis) => {
    const worker = nemesis.random.pick(nemesis.slots)?.worker
    if (worker === undefined) return
    nemesis.note(`stops the process of ${worker.program.name} for a while`)
    worker.program.life.pause(nemesis.while())
  },
  stops: (nemesis) => {
    const worker = nemesis.random.pick(nemesis.slots)?.worker
    nemesis.note(`tells ${worker?.program.name} to stop`)
    worker?.stop()
  },
  'held-partitions': (nemesis) => {
    const worker = nemesis.random.pick(nemesis.slots)?.worker
    const partition = nemesis.partition()
    if (worker === undefined || partition === undefined) return
    nemesis.note(`pauses ${keyOf(partition)} of ${worker.program.name}`)
    worker.control.pause(partition)
    nemesis.later(() => worker.control.resume(partition))
  },
  'handler-throws': (nemesis) => {
    nemesis.note('lets handlers throw')
    nemesis.world.moods.throws = nemesis.random.next()
    nemesis.later(() => (nemesis.world.moods.throws = 0))
  },
  'handler-hangs': (nemesis) => {
    nemesis.note('lets handlers hang')
    nemesis.world.moods.hangs = nemesis.random.next()
    nemesis.later(() => (nemesis.world.moods.hangs = 0))
  },
  poison: ({ world, random }) => {
    if (world.kafka.records.length > 0) world.poison.add(random.between(0, world.kafka.records.length + 10))
  },
  resets: async (nemesis) => {
    const operator = await nemesis.operator()
    await maintain(nemesis, () => operator.reset())
  },
  repairs: async (nemesis) => {
    const operator = await nemesis.operator()
    await maintain(nemesis, () => operator.repair())
  },
  'bare-numbers': async (nemesis) => {
    const partition = nemesis.partition()
    if (partition === undefined) return
    const number = nemesis.random.between(Math.max(0, partition.logStartOffset - 3), partition.logEndOffset + 3)
    await tamper(nemesis, partition, number)
  },
  'lost-values': async (nemesis) => {
    const partition = nemesis.partition()
    if (partition !== undefined) await tamper(nemesis, partition, undefined)
  },
  'wrong-cluster': wrongCluster,
}

/** A leader whose log is shorter. */
async function cutLog(nemesis: Nemesis): Promise<void> {
  const { world, random } = nemesis
  const partition = nemesis.partition()
  if (partition === undefined) return
  const toOffset = await cutAt(world, partition, random)
  await excuseCut(world, partition, toOffset)
  if (random.chance(0.3)) {
    partition.isolate()
    nemesis.later(() => partition.rejoin())
  }
  world.kafka.cut(partition, toOffset, random.between(1, 3))
  nemesis.note(`cuts the log: ${world.describe(partition)}`)
}

/** Often near where the group stands: there it matters most. */
async function cutAt(world: World, partition: MemoryPartition, random: Random): Promise<number> {
  const { logStartOffset, writtenUntil } = partition
  const [custody] = await world.server.load([partition])
  const offset = custody === undefined ? undefined : positionOf(custody)?.offset
  if (offset === undefined || random.chance(0.5)) return random.between(Math.max(logStartOffset, writtenUntil - 20), writtenUntil)
  return Math.min(Math.max(logStartOffset, offset + random.between(-5, 2)), writtenUntil)
}

function recreate(nemesis: Nemesis, topic: string): void {
  const { world, random } = nemesis
  world.kafka.createTopic(topic, Math.max(world.settings.topics.get(topic) ?? 1, world.kafka.partitionsOf(topic).length))
  for (const partition of world.kafka.partitionsOf(topic)) {
    for (let epochs = random.between(0, 4); epochs > 0; epochs--) partition.elect(random.between(1, 3))
    if (random.chance(0.5)) world.kafka.produce(partition, random.between(1, 30))
  }
  nemesis.note(
    `makes ${topic} anew: ${world.kafka
      .partitionsOf(topic)
      .map((partition) => world.describe(partition))
      .join(', ')}`,
  )
}

/** Another program moves an offset, or removes it. */
async function tamper({ world }: Nemesis, partition: MemoryPartition, number: number | undefined): Promise<void> {
  await excuseTampering(world, partition, number)
  await world.server.tamper(partition, number === undefined ? undefined : String(number))
  world.trace.note('nemesis', () => `puts ${number ?? 'nothing'} in place of the offset of ${keyOf(partition)}`)
}

/** Mostly with the workers stopped first, as one should; sometimes one forgets. */
async function maintain({ world, random, slots }: Nemesis, work: () => Promise<unknown>): Promise<void> {
  const stops = random.chance(0.8)
  if (stops) {
    for (const slot of slots) slot.hold(random.chance(0.7))
    await world.clock.sleep(random.between(0, 14_000))
  }
  await work()
  for (const slot of slots) slot.release()
}

/** Somebody starts a worker with the wrong bootstrap server, where all that is stored says which cluster it is of. */
async function wrongCluster(nemesis: Nemesis): Promise<void> {
  const { world } = nemesis
  const { troubles, topics } = world.settings
  const stored = await world.server.load()
  const known = new Set(stored.filter((custody) => positionOf(custody)?.clusterId !== undefined).map(keyOf))
  for (const [topic, count] of topics) world.elsewhere.createTopic(topic, count)
  const places = [...topics].flatMap(([topic, count]) => Array.from({ length: count }, (_, partition) => ({ topic, partition })))
  if (troubles.has('bare-numbers') || troubles.has('lost-values') || !places.every((place) => known.has(keyOf(place)))) return
  for (const [topic] of topics) for (const partition of world.elsewhere.partitionsOf(topic)) world.elsewhere.produce(partition, 20)
  const worker = await startWorker(world, nemesis.stranger(), { kafka: world.elsewhere })
  nemesis.later(() => worker.stop())
}
