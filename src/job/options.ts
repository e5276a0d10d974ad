import { systemClock } from '../clock.ts'
import type { Clock } from '../clock.ts'
import { publish } from '../diagnostics.ts'
import type { Isolation } from '../kafka/log.ts'
import type { ReconcileOptions } from '../verbs/reconcile.ts'
import { JobControl } from './control.ts'
import type { OnFailure } from './give-up.ts'
import type { OnNotice } from './notice.ts'
import type { OnProgress } from './progress.ts'

/** What a job reads, and how. */
export interface ReadOptions extends ReconcileOptions {
  /** Records in one batch, over all partitions, at most. Default 10,000. */
  readonly maxRecords?: number | undefined
  /** Bytes of records in one batch, over all partitions, about at most; one record is always taken. Default 16 MiB. */
  readonly maxBytes?: number | undefined
  /** How long to wait for the first record of a batch, ms. Default 500. */
  readonly maxWaitMs?: number | undefined
  /** Default `read_committed`. */
  readonly isolation?: Isolation | undefined
  /** Stop at the ends seen at the start, instead of going on. */
  readonly untilEnd?: boolean | undefined
  /** What becomes of records that can't be read or handled. Default `stop`. */
  readonly onFailure?: OnFailure | undefined
  /** Records handed out per second, over all partitions, about at most. Default: unlimited. */
  readonly maxRecordsPerSecond?: number | undefined
  /** Pauses and resumes partitions. */
  readonly control?: JobControl | undefined
  /** How often to look for new partitions, ms. Default 30,000. */
  readonly refreshMs?: number | undefined
  /** Told of what people should know: waiting, repairs, partitions lost. */
  readonly onNotice?: OnNotice | undefined
  /** Told four times a second how far each partition is. */
  readonly onProgress?: OnProgress | undefined
}

/** The same with every default in place. */
export interface JobOptions extends ReconcileOptions {
  readonly maxRecords: number
  readonly maxBytes: number
  readonly maxWaitMs: number
  readonly isolation: Isolation
  readonly untilEnd: boolean
  readonly refreshMs: number
  readonly onFailure: OnFailure
  readonly maxRecordsPerSecond: number
  readonly control: JobControl
  /** Whether batches of different partitions overlap: one is worked on while the other is saved. */
  readonly overlap: boolean
  readonly onNotice: OnNotice
  readonly onProgress?: OnProgress | undefined
  readonly clock: Clock
  readonly newId: () => string
  readonly signal: AbortSignal
}

/** Puts the defaults in place. */
export function withDefaults(options: ReadOptions): JobOptions {
  return {
    ...options,
    maxRecords: options.maxRecords ?? 10_000,
    maxBytes: options.maxBytes ?? 16 * 1024 * 1024,
    maxWaitMs: options.maxWaitMs ?? 500,
    isolation: options.isolation ?? 'read_committed',
    untilEnd: options.untilEnd ?? false,
    refreshMs: options.refreshMs ?? 30_000,
    onFailure: options.onFailure ?? 'stop',
    maxRecordsPerSecond: options.maxRecordsPerSecond ?? Number.POSITIVE_INFINITY,
    control: options.control ?? new JobControl(),
    overlap: false,
    onNotice: (notice) => {
      publish('notice', () => ({ group: options.group, ...notice }))
      options.onNotice?.(notice)
    },
    clock: options.clock ?? systemClock,
    newId: options.newId ?? (() => crypto.randomUUID()),
    signal: options.signal ?? new AbortController().signal,
  }
}
