import type { Table } from './table.ts'

/** What a benchmark is told. */
export interface Settings {
  /** How often each contender is measured. */
  readonly runs: number
  /** How many records of 100 bytes `run` reads. */
  readonly records: number
  /** Says on stderr what is being done. */
  readonly say: (text: string) => void
}

/** Starts what it needs, measures, and stops what it started. */
export type Benchmark = (settings: Settings) => Promise<Table[]>
