import type { Settings } from './benchmark.ts'

/** What one run of a contender gave. */
export interface Sample {
  readonly value: number
  /** The most memory that its process held, MB. */
  readonly peakMb?: number | undefined
  /** Where the value is the median of many, what 99 of 100 do not exceed. */
  readonly p99?: number | undefined
}

/** One of those that are compared. */
export interface Contender {
  readonly name: string
  readonly run: () => Promise<Sample>
}

/** All that was measured of a contender. */
export interface Measured {
  readonly name: string
  readonly values: readonly number[]
  readonly peaksMb: readonly number[]
  readonly p99s: readonly number[]
}

/**
 * Measures contenders in turn, round by round, so that whatever else the machine does meanwhile hits all of them; each round begins with another one.
 * A first round warms caches and does not count.
 */
export async function alternate<Name extends string>(
  contenders: Readonly<Record<Name, Contender>>,
  { runs, say }: Settings,
): Promise<Record<Name, Measured>> {
  const entries = Object.entries(contenders) as [Name, Contender][]
  const samples = new Map<Name, Sample[]>(entries.map(([key]) => [key, []]))
  for (let round = 0; round <= runs; round++) {
    say(round === 0 ? 'a round to warm up' : `round ${round} of ${runs}`)
    const first = round % entries.length
    for (const [key, contender] of [...entries.slice(first), ...entries.slice(0, first)]) {
      const sample = await contender.run()
      if (round > 0) samples.get(key)?.push(sample)
    }
  }
  return Object.fromEntries(entries.map(([key, { name }]) => [key, summary(name, samples.get(key) ?? [])])) as Record<Name, Measured>
}

function summary(name: string, samples: readonly Sample[]): Measured {
  return {
    name,
    values: samples.map(({ value }) => value),
    peaksMb: samples.flatMap(({ peakMb }) => peakMb ?? []),
    p99s: samples.flatMap(({ p99 }) => p99 ?? []),
  }
}

/** The middle of some numbers; of an even count the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const [low = NaN, high = NaN] = [sorted[middle - 1 + (sorted.length % 2)], sorted[middle]]
  return (low + high) / 2
}
