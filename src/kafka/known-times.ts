import { tellingSamples } from '../core/oldest.ts'
import type { Placed, TimeSample } from '../core/oldest.ts'
import { keyOf } from '../core/position.ts'
import type { Stop } from './locate.ts'

/** A partition, and the offsets that are asked about. */
export interface Asked {
  readonly stop: Pick<Stop, 'topic' | 'partition' | 'topicId' | 'leaderEpoch'>
  readonly placed: readonly Placed[]
  readonly samples: readonly TimeSample[]
}

/**
 * When records were made, as far as it was learned before: so that whoever asks again and again asks only about what was read since. A record's time
 * does not change; what is remembered holds for one topic ID and one leader epoch, and for records that are left. Bounded by what was asked last.
 */
export class KnownTimes {
  #known = new Map<string, readonly TimeSample[]>()

  /** What still holds. */
  of({ stop, placed }: Omit<Asked, 'samples'>): TimeSample[] {
    const logStartOffset = Math.max(...placed.map((one) => one.logStartOffset))
    return (this.#known.get(nameOf(stop)) ?? []).filter(({ offset }) => offset !== null && offset >= logStartOffset)
  }

  /** Remembers what tells something of the offsets that were asked about, and nothing else. */
  keep(asked: readonly Asked[]): void {
    this.#known = new Map(asked.map(({ stop, placed, samples }) => [nameOf(stop), tellingSamples(samples, placed)]))
  }
}

function nameOf(stop: Asked['stop']): string {
  return `${keyOf(stop)} ${stop.topicId} ${stop.leaderEpoch}`
}
