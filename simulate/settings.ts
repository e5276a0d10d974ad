import type { PolicyInput } from '../src/core/policy.ts'
import type { OnFailure } from '../src/job/give-up.ts'
import type { Isolation } from '../src/kafka/log.ts'
import type { Random } from './random.ts'

/** The kinds of trouble that a simulation may be in. Each seed has only some of them: what hides behind one shows with another. */
export const TROUBLES = [
  'unclean-elections',
  'elections',
  'lost-leaders',
  'brokers-down',
  'stale-brokers',
  'late-replication',
  'recreated-topics',
  'deleted-topics',
  'more-partitions',
  'expiry',
  'compaction',
  'damage',
  'transactions',
  'slow-network',
  'lost-answers',
  'store-away',
  'store-faults',
  'kills',
  'pauses',
  'stops',
  'held-partitions',
  'handler-throws',
  'handler-hangs',
  'poison',
  'resets',
  'repairs',
  'bare-numbers',
  'lost-values',
  'wrong-cluster',
] as const

export type Trouble = (typeof TROUBLES)[number]

/** What a seed decides before anything happens. */
export interface Settings {
  readonly troubles: ReadonlySet<Trouble>
  /** Partitions by topic. */
  readonly topics: ReadonlyMap<string, number>
  /** How many workers run at once, each for all partitions. */
  readonly workers: number
  /** How long there is trouble, ms. */
  readonly troubledMs: number
  /** Between two troubles, ms, on average. */
  readonly troubleEveryMs: number
  readonly produceEveryMs: number
  readonly storeTimeoutMs: number
  readonly logTimeoutMs: number
  readonly secondLookMs: number
  readonly handlerTimeoutMs: number
  readonly handlerMs: number
  readonly onFailure: OnFailure
  readonly policy: PolicyInput
  readonly isolation: Isolation
  readonly maxRecordsPerSecond: number
  /** What was written before the first worker starts. */
  readonly backlog: number
}

/** Where records go that are given up for good, in those simulations that choose so. */
export const LETTERS = 'letters'

/** Other choices than the defaults. None lets a job stop for good. */
const POLICIES: readonly PolicyInput[] = [
  { expired: 'latest', missing: 'latest' },
  { expired: 'nearest', ahead: 'nearest', truncated: 'nearest' },
  { expired: 'time', ahead: 'time', truncated: 'time', recreated: 'time' },
  { truncated: 'earliest', recreated: 'latest' },
  { truncated: 'latest', ahead: 'latest' },
  { lost: 'earliest', corrupt: 'earliest' },
  { lost: 'latest', corrupt: 'latest' },
]

/** The settings of a seed. */
export function settingsOf(random: Random): Settings {
  const share = random.next() * 0.6
  const troubles = new Set(TROUBLES.filter(() => random.chance(share)))
  const onFailure = random.weighted<OnFailure>([
    ['stop', 2],
    ['skip', 2],
    [{ deadLetter: LETTERS }, 1],
  ])
  return {
    troubles,
    topics: new Map(Array.from({ length: random.between(1, 2) }, (_, index) => [`t${index}`, random.between(1, 3)])),
    workers: random.weighted([
      [1, 4],
      [2, 3],
      [3, 1],
    ]),
    troubledMs: 1_000 + random.next() ** 2 * 8_000,
    troubleEveryMs: random.between(100, 1_200),
    produceEveryMs: random.between(100, 500),
    storeTimeoutMs: random.between(1_000, 10_000),
    logTimeoutMs: random.between(1_500, 10_000),
    secondLookMs: random.between(100, 1_000),
    handlerTimeoutMs: random.between(2_000, 8_000),
    handlerMs: random.between(0, 400),
    onFailure,
    policy: random.chance(0.5) ? {} : (random.pick(POLICIES) ?? {}),
    isolation: random.chance(0.1) ? 'read_uncommitted' : 'read_committed',
    maxRecordsPerSecond: random.chance(0.1) ? random.between(5, 100) : Number.POSITIVE_INFINITY,
    backlog: random.between(0, 30),
  }
}
