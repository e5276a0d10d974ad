import { keyOf, type TopicPartition } from '../src/core/position.ts'
import type { Write } from '../src/store/driver.ts'
import { ManualClock } from '../src/testing/manual-clock.ts'
import type { MemoryPartition } from '../src/testing/memory-partition.ts'
import { allWitnesses } from './checks/all.ts'
import { Kafka } from './kafka.ts'
import { calm, type Weather } from './network.ts'
import { Random } from './random.ts'
import { Server } from './server.ts'
import { settingsOf, type Settings } from './settings.ts'
import { Trace } from './trace.ts'
import type { Bug } from './bugs/bug.ts'
import type { Invariant, Witness } from './witness.ts'

/** The one group of a simulation. */
export const GROUP = 'billing'

/** An invariant that was seen not to hold. */
export interface Violation {
  readonly invariant: Invariant
  readonly how: string
}

/** What handlers do now, as shares of their calls. */
export interface Moods {
  throws: number
  hangs: number
}

/** Offsets that somebody other than Tidemark passed over, or whose history nobody can know. */
export interface Excuse extends TopicPartition {
  /** Of one topic; undefined: of any of that name. */
  readonly topicId: string | undefined
  readonly fromOffset: number
  readonly untilOffset: number
}

function printWrite(write: Write): string {
  const { position, planned, ownerEpoch, ledger } = write
  const at =
    position === undefined
      ? ''
      : ` at ${position.offset} (${position.epochs?.map(({ epoch, startOffset }) => `${epoch}@${startOffset}`).join(' ') ?? 'no epochs'})`
  const plan = planned === undefined ? '' : `, planned [${planned.fromOffset}, ${planned.untilOffset})`
  const rows = ledger.map(
    ({ verdict, action, from, to, skipped }) => `, ledger: ${verdict} ${action} from ${from} to ${to}, ${skipped} skipped`,
  )
  return `${keyOf(write)}${at}${plan} as owner ${ownerEpoch}${rows.join('')}`
}

/** Everything there is in one simulation. */
export class World {
  readonly clock = new ManualClock()
  readonly random: Random
  readonly settings: Settings
  readonly kafka: Kafka
  /** Another cluster with topics of the same names. */
  readonly elsewhere: Kafka
  readonly weather: Weather = calm()
  readonly moods: Moods = { throws: 0, hangs: 0 }
  readonly trace: Trace
  readonly bug: Bug | undefined
  readonly violations: Violation[] = []
  readonly excuses: Excuse[] = []
  /** Records that no handler can take. */
  readonly poison = new Set<number>()
  #server: Server | undefined
  #witnesses: readonly Witness[] = []

  private constructor(seed: number, bug: Bug | undefined, isTraced: boolean) {
    this.random = new Random(seed)
    this.settings = settingsOf(this.random.fork())
    this.trace = new Trace(this.clock, isTraced)
    this.bug = bug
    this.kafka = new Kafka(this.clock, 'main')
    this.elsewhere = new Kafka(this.clock, 'elsewhere')
  }

  /** The world of a seed, in which nothing has happened yet. */
  static async make(seed: number, bug: Bug | undefined, isTraced: boolean): Promise<World> {
    const world = new World(seed, bug, isTraced)
    world.#server = await Server.open(GROUP, (applied) => {
      world.trace.note(applied.client.name, () => `wrote ${printWrite(applied.write)}`)
      world.tell('applied', applied)
    })
    world.#witnesses = allWitnesses(world, (invariant, how) => world.violate(invariant, how))
    return world
  }

  get server(): Server {
    return this.#server as Server
  }

  /** Lets all who watch know of something. */
  tell<Name extends keyof Witness>(name: Name, ...what: Parameters<Required<Witness>[Name]>): void {
    for (const witness of this.#witnesses) (witness[name] as ((...args: typeof what) => void) | undefined)?.(...what)
  }

  violate(invariant: Invariant, how: string): void {
    this.trace.note('VIOLATION', () => `${invariant}: ${how}`)
    this.violations.push({ invariant, how })
  }

  newId = (): string => this.random.id()

  /** The partitions of all topics that exist now. */
  partitions(): MemoryPartition[] {
    return [...this.settings.topics.keys()].flatMap((topic) => this.kafka.partitionsOf(topic))
  }

  /** `topic-partition` with where its log is now. */
  describe(partition: MemoryPartition): string {
    return `${keyOf(partition)} [${partition.logStartOffset}, ${partition.logEndOffset}) epoch ${partition.leaderEpoch}`
  }
}
