import type { Placed, TimeSample } from '../../src/core/oldest.ts'
import { nextTime } from '../../src/core/oldest.ts'

/** A partition's log as a broker cleans it: segments, each the times of its records; the last one is active. Written after UnifiedLog.deleteOldSegments. */
export class BrokerLog {
  readonly segments: { readonly baseOffset: number; readonly times: readonly number[] }[] = []
  readonly #recordBytes: number

  constructor(segments: readonly (readonly number[])[], { baseOffset = 0, recordBytes = 1 } = {}) {
    this.#recordBytes = recordBytes
    let next = baseOffset
    for (const times of segments) {
      this.segments.push({ baseOffset: next, times })
      next += times.length
    }
  }

  get start(): number {
    return this.segments[0]?.baseOffset ?? 0
  }

  get end(): number {
    const last = this.segments.at(-1)
    return last === undefined ? 0 : last.baseOffset + last.times.length
  }

  get size(): number {
    return this.segments.reduce((sum, { times }) => sum + times.length, 0) * this.#recordBytes
  }

  /** Removes what `retention.ms` lets go: segments from the oldest on, the active one too, which leaves an empty one behind it. */
  cleanByTime(retentionMs: number, now: number): void {
    this.#clean(({ times }) => now - Math.max(...times) > retentionMs)
  }

  /** Removes what `retention.bytes` lets go: segments from the oldest on, while what follows is still as much. */
  cleanBySize(retentionBytes: number): void {
    let diff = this.size - retentionBytes
    if (diff < 0) return
    this.#clean(({ times }) => (diff -= times.length * this.#recordBytes) >= 0)
  }

  append(times: readonly number[]): void {
    this.segments.push({ baseOffset: this.end, times })
  }

  /** What ListOffsets answers. */
  at(asked: number): TimeSample {
    for (const { baseOffset, times } of this.segments) {
      const index = times.findIndex((time) => time >= asked)
      if (index >= 0) return { asked, offset: baseOffset + index, recordTime: times[index] as number }
    }
    return { asked, offset: null, recordTime: null }
  }

  /** As the search over a real broker goes, until it has enough. */
  search(offset: number, now: number, retentionMs?: number, rounds = 24, known: readonly TimeSample[] = []): TimeSample[] {
    const placed: Placed = { offset, logStartOffset: this.start, logEndOffset: this.end }
    const samples = [...known]
    for (let turn = 0; turn < rounds; turn++) {
      const asked = nextTime(samples, placed, now, turn, retentionMs)
      if (asked === undefined) break
      samples.push(this.at(asked))
    }
    return samples
  }

  #clean(goes: (segment: { readonly times: readonly number[] }) => boolean): void {
    const { end } = this
    while (this.segments[0] !== undefined && this.segments[0].times.length > 0 && goes(this.segments[0])) this.segments.shift()
    if (this.segments.length === 0) this.segments.push({ baseOffset: end, times: [] })
  }
}
