import type { Facts } from '../src/core/facts.ts'
import { keyOf } from '../src/core/position.ts'
import type { Log, LogReader, ReaderOptions } from '../src/kafka/log.ts'
import type { StoreDriver } from '../src/store/driver.ts'
import { openStore, type Store } from '../src/store/store.ts'
import type { MemoryReader } from '../src/testing/memory-reader.ts'
import { BoundedReader } from './checks/bounded.ts'
import type { Kafka } from './kafka.ts'
import { Life } from './life.ts'
import { Network } from './network.ts'
import type { Client, Span } from './witness.ts'
import type { World } from './world.ts'

/** A process: its life, and Kafka and the store as it reaches them. */
export interface Program extends Client {
  readonly life: Life
  readonly log: Log
  readonly store: Store
}

/** Starts a process that has done nothing yet. */
export async function startProgram(
  world: World,
  name: string,
  kind: Client['kind'],
  { kafka = world.kafka, maxBytes = Number.POSITIVE_INFINITY }: { kafka?: Kafka; maxBytes?: number } = {},
): Promise<Program> {
  const { clock, settings, weather, bug, random } = world
  const life = new Life(clock)
  const client: Client = { name, kind, asked: new Map(), facts: new Map(), spans: new Map(), loaded: new Map() }
  const network = new Network(clock, random.fork(), weather)
  const direct = world.server.driverFor(client)
  const remote = network.toStore(direct, life)
  const driver = asking(world, client, bug?.driver?.(remote, direct, client) ?? remote)
  const connection = kafka.log.connect({ clock: life.clock, network: network.trip, timeoutMs: settings.logTimeoutMs })
  const heard = hearing(kafka, client, connection)
  const log = bounding(world, client, bug?.log?.(heard, client) ?? heard, maxBytes)
  const store = await openStore(driver, { clock: life.clock, timeoutMs: settings.storeTimeoutMs })
  return Object.assign(client, { life, log, store })
}

/** Notes what the client asks of the store, and what it is told. */
function asking(world: World, client: Client, driver: StoreDriver): StoreDriver {
  return {
    ...driver,
    load: async (group, partitions) => {
      const custody = await driver.load(group, partitions)
      for (const one of custody) client.loaded.set(keyOf(one), one)
      return custody
    },
    save: (group, writes) => {
      for (const write of writes) {
        client.asked.set(write.saveId, write)
        world.tell('asked', client, write)
      }
      return driver.save(group, writes)
    },
  }
}

/** Notes what the cluster tells the client, and what is true meanwhile. */
function hearing(kafka: Kafka, client: Client, log: Log): Log {
  const { topics, offsetsAt, epochs, batches, produce, reader, close } = bound(log)
  return {
    topics,
    offsetsAt,
    epochs,
    batches,
    produce,
    reader,
    close,
    facts: async (questions, options): Promise<Facts[]> => {
      const before = new Map(questions.map((question) => [keyOf(question), kafka.spanOf(question)]))
      const facts = await log.facts(questions, options)
      for (const one of facts) {
        const key = keyOf(one)
        client.facts.set(key, one)
        client.spans.set(key, spanning(before.get(key), kafka.spanOf(one)))
      }
      return facts
    },
    [Symbol.asyncDispose]: close,
  }
}

function spanning(before: Span | undefined, after: Span): Span {
  if (before === undefined || before.topicId !== after.topicId) return { topicId: undefined, mostStart: 0, leastEnd: 0 }
  return {
    topicId: after.topicId,
    mostStart: Math.max(before.mostStart, after.mostStart),
    leastEnd: Math.min(before.leastEnd, after.leastEnd),
  }
}

/** Measures what a job's reader holds against what the job was allowed. */
function bounding(world: World, client: Client, log: Log, maxBytes: number): Log {
  const { topics, facts, offsetsAt, epochs, batches, produce, close } = bound(log)
  const violate = (how: string): void => world.violate('bounded', `${client.name}: ${how}`)
  const reader = (options: ReaderOptions): LogReader => {
    return new BoundedReader(log.reader(options) as MemoryReader, { maxBufferedBytes: options.maxBufferedBytes, maxBytes }, violate)
  }
  return { topics, facts, offsetsAt, epochs, batches, produce, close, reader, [Symbol.asyncDispose]: close }
}

/** A log's methods as functions, to be put into another one. */
export function bound(log: Log): Omit<Log, typeof Symbol.asyncDispose> {
  return {
    topics: (names, options) => log.topics(names, options),
    facts: (questions, options) => log.facts(questions, options),
    offsetsAt: (questions, options) => log.offsetsAt(questions, options),
    epochs: (ranges, options) => log.epochs(ranges, options),
    batches: (questions, options) => log.batches(questions, options),
    produce: (topic, records) => log.produce(topic, records),
    reader: (options) => log.reader(options),
    close: () => log.close(),
  }
}
