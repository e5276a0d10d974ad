import type { TopicPartition } from '../src/core/position.ts'
import type { LedgerQuery, Member, StoreDriver, Write } from '../src/store/driver.ts'
import { FaultyStore, type Fault, type FaultyCall } from '../src/testing/faulty-store.ts'
import type { Trip } from '../src/testing/memory-connection.ts'
import type { ManualClock } from '../src/testing/manual-clock.ts'
import type { Life } from './life.ts'
import type { Random } from './random.ts'

/** How often what goes wrong now, and how slow everything is. */
export interface Weather {
  /** One way to the store or a broker, ms, at most. */
  latencyMs: number
  /** How many of the calls to the store fail, 0 to 1. */
  storeFaults: number
  /** The store is out of reach. */
  storeIsAway: boolean
  /** How many of the requests to brokers fail, 0 to 1. */
  logFaults: number
}

/** All is well. */
export function calm(): Weather {
  return { latencyMs: 3, storeFaults: 0, storeIsAway: false, logFaults: 0 }
}

const FAULTS: ReadonlyArray<readonly [Fault, number]> = [
  ['before', 4],
  ['lost', 2],
  ['after', 4],
  ['hang', 1],
  ['hang-after', 1],
  ['late', 3],
]

/** What a program's calls go through on their way to the store and to brokers, and on their way back. */
export class Network {
  readonly #clock: ManualClock
  readonly #random: Random
  readonly #weather: Weather

  constructor(clock: ManualClock, random: Random, weather: Weather) {
    this.#clock = clock
    this.#random = random
    this.#weather = weather
  }

  /** What becomes of a request to a broker. */
  readonly trip = (): Trip => {
    const { logFaults } = this.#weather
    const outcome = !this.#random.chance(logFaults) ? 'answered' : this.#random.chance(0.5) ? 'refused' : 'unanswered'
    return { thereMs: this.#delay(), backMs: this.#delay(), outcome }
  }

  /** The store as a program reaches it: late, not at all, or with the answer lost. What it has sent off arrives though it died. */
  toStore(server: StoreDriver, life: Life): StoreDriver {
    const faulty = new FaultyStore(server)
    const call = <T>(name: FaultyCall, apply: () => Promise<T>): Promise<T> => life.through(() => this.#call(faulty, name, apply))
    return {
      capabilities: server.capabilities,
      load: (group: string, partitions?: readonly TopicPartition[]) => call('load', () => faulty.load(group, partitions)),
      save: (group: string, writes: readonly Write[]) => call('save', () => faulty.save(group, writes)),
      groups: () => call('groups', () => faulty.groups()),
      ledger: (query: LedgerQuery) => call('ledger', () => faulty.ledger(query)),
      heartbeat: (group: string, member: Member) => call('heartbeat', () => faulty.heartbeat(group, member)),
      leave: (group: string, id: string) => call('leave', () => faulty.leave(group, id)),
      members: (group: string) => call('members', () => faulty.members(group)),
      close: () => life.through(() => faulty.close()),
    }
  }

  async #call<T>(faulty: FaultyStore, name: FaultyCall, apply: () => Promise<T>): Promise<T> {
    const { storeFaults, storeIsAway } = this.#weather
    const chosen = storeIsAway ? 'before' : this.#random.chance(storeFaults) ? this.#random.weighted(FAULTS) : undefined
    // A sign of life that comes after the farewell would be one of the dead.
    const fault = chosen === 'late' && name === 'heartbeat' ? 'before' : chosen
    await this.#clock.sleep(this.#delay())
    if (fault !== undefined) faulty.fail(name, fault)
    const answer = apply()
    answer.catch(() => {}) // it is heard below, after its way back
    if (fault === 'late') void this.#clock.sleep(this.#random.between(1, 20_000)).then(() => faulty.deliver())
    await this.#clock.sleep(this.#delay())
    return answer
  }

  #delay(): number {
    return 1 + Math.floor(this.#random.next() ** 3 * this.#weather.latencyMs)
  }
}
