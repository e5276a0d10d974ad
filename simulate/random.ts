/** Random numbers that a seed decides: the same seed, the same numbers, on every machine. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0 up to, but not 1 (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1))
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  /** One of several, or undefined of none. */
  pick<T>(items: readonly T[]): T | undefined {
    return items[Math.floor(this.next() * items.length)]
  }

  /** One of those whose share is given, the likelier the greater it is. */
  weighted<T>(shares: ReadonlyArray<readonly [item: T, share: number]>): T {
    let left = this.next() * shares.reduce((sum, [, share]) => sum + share, 0)
    for (const [item, share] of shares) {
      left -= share
      if (left < 0) return item
    }
    return (shares.at(-1) as readonly [T, number])[0]
  }

  /** Another stream of numbers, so that more draws of one kind do not change those of another. */
  fork(): Random {
    return new Random(Math.floor(this.next() * 2 ** 32))
  }

  /** An ID as `randomUUID` makes them. */
  id(): string {
    const hex = Array.from({ length: 4 }, () =>
      Math.floor(this.next() * 2 ** 32)
        .toString(16)
        .padStart(8, '0'),
    ).join('')
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
  }
}
