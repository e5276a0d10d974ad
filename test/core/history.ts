import * as fc from 'fast-check'
import type { EpochEnd, KnownFacts } from '../../src/core/facts.ts'
import { MAX_EPOCHS } from '../../src/core/position.ts'
import type { EpochStart, Position } from '../../src/core/position.ts'
import { epochsOf } from '../../src/core/verdict.ts'
import { logOf } from './build.ts'

/**
 * A model of one partition on three replicas: elections, clean and unclean, make logs part and grow again. It remembers
 * everything, so that what a leader and a stored position can only conclude can be computed here by comparing whole logs.
 */

/** The epoch of each record, from offset 0. */
type EpochLog = readonly number[]

type Step =
  | { readonly kind: 'append'; readonly count: number }
  | { readonly kind: 'elect'; readonly replica: number; readonly epochs: number }
  /** A follower cuts its log to what it shares with the leader's and copies up to there. */
  | { readonly kind: 'follow'; readonly replica: number; readonly until: number }

/** What became of a history: what somebody read in it, and the log that the last leader has. */
export interface History {
  /** The leader's log at the time of the reading. */
  readonly read: EpochLog
  readonly readFrom: number
  readonly readUntil: number
  readonly leader: EpochLog
  readonly leaderEpoch: number
  /** The log end when the leader was elected: where its own epoch begins. */
  readonly electedAt: number
  /** What retention left begins here. */
  readonly logStartOffset: number
}

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('append' as const), count: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('elect' as const), replica: fc.nat(2), epochs: fc.integer({ min: 1, max: 2 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('follow' as const), replica: fc.nat(2), until: fc.nat(20) }) },
)

/** Any history with something read in it. */
export const anyHistory: fc.Arbitrary<History> = fc
  .record({
    before: fc.array(step, { minLength: 1, maxLength: 15 }),
    after: fc.array(step, { maxLength: 15 }),
    from: fc.nat(40),
    length: fc.integer({ min: 1, max: 40 }),
    retained: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(30) }),
  })
  .map((made): History => {
    const world = new World()
    for (const one of [...made.before, { kind: 'append', count: 2 } as const]) world.take(one)
    const read = world.leaderLog
    const readFrom = made.from % read.length
    const readUntil = Math.min(read.length, readFrom + made.length)
    for (const one of made.after) world.take(one)
    const { leaderLog: leader, epoch: leaderEpoch, electedAt } = world
    return { read, readFrom, readUntil, leader, leaderEpoch, electedAt, logStartOffset: Math.min(made.retained, leader.length) }
  })

class World {
  readonly #replicas: EpochLog[] = [[], [], []]
  #leader = 0
  epoch = 0
  electedAt = 0

  get leaderLog(): EpochLog {
    return this.#replicas[this.#leader] ?? []
  }

  take(one: Step): void {
    if (one.kind === 'append') this.#replicas[this.#leader] = [...this.leaderLog, ...Array.from({ length: one.count }, () => this.epoch)]
    else if (one.kind === 'elect') this.#elect(one.replica, one.epochs)
    else if (one.replica !== this.#leader) this.#replicas[one.replica] = this.leaderLog.slice(0, one.until)
  }

  #elect(replica: number, epochs: number): void {
    this.#leader = replica
    this.epoch += epochs
    this.electedAt = this.leaderLog.length
  }
}

/** Where the leader's log parts from what was read, by comparing the two; undefined: it does not. */
export function divergence({ read, readUntil, leader }: History): number | undefined {
  const offset = read.slice(0, readUntil).findIndex((epoch, index) => leader[index] !== epoch)
  return offset === -1 ? undefined : offset
}

/** What a reader that kept every epoch it read has stored. */
export function positionIn(history: History): Position {
  const epochs: EpochStart[] = []
  for (let offset = history.readFrom; offset < history.readUntil; offset++) {
    const epoch = history.read[offset] as number
    if (epochs.at(-1)?.epoch !== epoch) epochs.push({ epoch, startOffset: offset })
  }
  return { offset: history.readUntil, topicId: 't1', clusterId: 'c1', epochs: epochs.slice(-MAX_EPOCHS), leaderEpoch: epochs.at(-1)?.epoch }
}

/** What the leader answers about a position: its own facts, and the ends of the stored epochs, older ones only while newer ones diverge. */
export function factsOn(history: History, position: Position): KnownFacts {
  const epochEnds: EpochEnd[] = []
  for (const { epoch } of epochsOf(position).toReversed()) {
    const end = endOf(history, epoch)
    epochEnds.push(end)
    if (end.epoch === epoch) break
  }
  return logOf({ logStartOffset: history.logStartOffset, logEndOffset: history.leader.length, leaderEpoch: history.leaderEpoch, epochEnds })
}

/** OffsetForLeaderEpoch as a broker answers it from its epoch cache. */
function endOf(history: History, asked: number): EpochEnd {
  if (asked === history.leaderEpoch) return { asked, epoch: asked, endOffset: history.leader.length }
  const cache = epochCache(history)
  const next = cache.find(({ epoch }) => epoch > asked)
  if (next === undefined) return { asked, epoch: -1, endOffset: -1 }
  const floor = cache.findLast(({ epoch }) => epoch <= asked)
  return { asked, epoch: floor?.epoch ?? asked, endOffset: next.startOffset }
}

/** The epochs of the records that retention left, and the leader's own, which it records when it is elected. */
function epochCache({ leader, leaderEpoch, electedAt, logStartOffset }: History): EpochStart[] {
  const cache: EpochStart[] = []
  for (let offset = logStartOffset; offset < leader.length; offset++) {
    const epoch = leader[offset] as number
    if (cache.at(-1)?.epoch !== epoch) cache.push({ epoch, startOffset: offset })
  }
  if (cache.at(-1)?.epoch !== leaderEpoch) cache.push({ epoch: leaderEpoch, startOffset: Math.max(electedAt, logStartOffset) })
  return cache
}
