/** Collects how long records took from being sent to being seen; prints it when the time is over. */
export class Latency {
  /** @type {number[]} */
  #taken = []
  #from

  /** @param {number} afterMs what is seen before that time from now does not count */
  constructor(afterMs) {
    this.#from = now() + afterMs
  }

  /** @param {Buffer | null} value */
  saw(value) {
    // The hot partition's records carry no time.
    const sent = value !== null && value.length < 30 ? Number(value.toString('latin1')) : NaN
    if (sent > 0 && now() >= this.#from) this.#taken.push(now() - sent)
  }

  /** What was measured, as JSON. */
  toString() {
    const sorted = this.#taken.toSorted((a, b) => a - b)
    const at = (/** @type {number} */ share) => sorted[Math.floor(sorted.length * share)]
    return JSON.stringify({ count: sorted.length, p50: at(0.5), p99: at(0.99) })
  }
}

function now() {
  return performance.timeOrigin + performance.now()
}
