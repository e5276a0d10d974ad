import { keyOf } from '../core/position.ts'
import type { PartitionProgress } from '../job/progress.ts'

/** How far behind its log end something is, and how it moves. */
export interface Headway {
  readonly name: string
  readonly lag: number
  /** Offsets passed per second: records, but for those that compaction and transactions leave out. */
  readonly perSecond: number
  /** Until the log end is reached, as things go; undefined: never. */
  readonly secondsLeft: number | undefined
}

/** Rates are those of this last while, ms. */
const WINDOW_MS = 10_000
/** Of all that is told, one look a second is kept. */
const KEPT_EVERY_MS = 1_000

interface Look {
  readonly at: number
  readonly partitions: ReadonlyMap<string, PartitionProgress>
}

/** Offsets per second: passed, and added at the log end. */
interface Rates {
  readonly lag: number
  readonly perSecond: number
  readonly growth: number
}

/** Makes lags and rates of what a job tells of its progress. */
export class HeadwayMeter {
  #looks: Look[] = []
  #now: Look = { at: 0, partitions: new Map() }

  /** Takes in what a job told. `at`: ms. */
  note(partitions: readonly PartitionProgress[], at: number): void {
    this.#now = { at, partitions: new Map(partitions.map((one) => [keyOf(one), one])) }
    if (at < (this.#looks.at(-1)?.at ?? Number.NEGATIVE_INFINITY) + KEPT_EVERY_MS) return
    this.#looks = [...this.#looks.filter((look) => look.at >= at - WINDOW_MS), this.#now]
  }

  /** Each partition whose log end is known. */
  get partitions(): Headway[] {
    return this.#known().map((one) => headwayOf(keyOf(one), this.#ratesOf(one)))
  }

  /** Some of them together, or all. */
  sum(name: string, only?: ReadonlySet<string>): Headway {
    const rates = this.#known()
      .filter((one) => only?.has(keyOf(one)) ?? true)
      .map((one) => this.#ratesOf(one))
    const sumOf = (value: (rate: Rates) => number): number => rates.reduce((total, rate) => total + value(rate), 0)
    return headwayOf(name, {
      lag: sumOf(({ lag }) => lag),
      perSecond: sumOf((rate) => rate.perSecond),
      growth: sumOf(({ growth }) => growth),
    })
  }

  #known(): PartitionProgress[] {
    return [...this.#now.partitions.values()].filter(({ logEndOffset }) => logEndOffset !== undefined)
  }

  #ratesOf(now: PartitionProgress): Rates {
    const end = now.logEndOffset ?? now.committedOffset
    const key = keyOf(now)
    const before = this.#looks.find(({ partitions }) => partitions.get(key)?.logEndOffset !== undefined)
    const then = before?.partitions.get(key) ?? now
    const seconds = (this.#now.at - (before?.at ?? this.#now.at)) / 1_000
    const rate = (moved: number): number => (seconds > 0 ? Math.max(0, moved) / seconds : 0)
    return {
      lag: Math.max(0, end - now.committedOffset),
      perSecond: rate(now.committedOffset - then.committedOffset),
      growth: rate(end - (then.logEndOffset ?? end)),
    }
  }
}

function headwayOf(name: string, { lag, perSecond, growth }: Rates): Headway {
  const gained = perSecond - growth
  const secondsLeft = gained > 0 ? lag / gained : undefined
  return { name, lag, perSecond, secondsLeft: lag === 0 ? 0 : secondsLeft }
}
