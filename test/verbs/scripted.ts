import type { Clock } from '../../src/clock.ts'
import type { Custody, Stored } from '../../src/core/custody.ts'
import type { Facts } from '../../src/core/facts.ts'
import type { TopicPartition } from '../../src/core/position.ts'
import { keyOf } from '../../src/core/position.ts'
import type { FactsOptions, Log, TopicDescription } from '../../src/kafka/log.ts'
import type { Store } from '../../src/store/store.ts'

/** Answers one after the other; the last one is given again and again. */
type Answers<T> = readonly [T, ...T[]]

/** The partitions of a topic, or why there are none. */
type Listed = readonly number[] | 'absent' | 'unknown'

/** What a scripted cluster and a scripted store say, question by question. */
export interface Script {
  /** By `topic-partition`, what differs from a log of 0 to 100; an error is what the whole question comes to. */
  readonly facts?: Readonly<Record<string, Answers<Partial<Facts> | Error>>>
  readonly stored?: Readonly<Record<string, Answers<Stored>>>
  readonly topics?: Readonly<Record<string, Answers<Listed | Error>>>
}

/** A log and a store that answer as told, a clock that never waits, and what was asked of them, in order. */
export class Scripted {
  readonly asked: string[] = []
  readonly clock: Clock = {
    now: () => 1_000,
    sleep: async (ms) => {
      this.asked.push(`sleep ${ms}`)
    },
  }
  readonly log: Log
  readonly store: Store
  readonly #counts = new Map<string, number>()

  constructor(script: Script) {
    this.log = {
      facts: async (questions: readonly TopicPartition[], options: FactsOptions = {}) => {
        this.asked.push(`facts${options.elsewhere === true ? ' elsewhere' : ''}`)
        return questions.map(
          (question) =>
            ({
              ...known(question),
              ...this.#next<Partial<Facts>>(`facts ${keyOf(question)}`, script.facts?.[keyOf(question)] ?? [{}]),
            }) as Facts,
        )
      },
      topics: async (names: readonly string[] = []) => {
        this.asked.push('topics')
        return names.map((name) => describe(name, this.#next<Listed>(`topic ${name}`, script.topics?.[name])))
      },
      offsetsAt: async () => [],
      epochs: async (ranges: readonly TopicPartition[]) =>
        ranges.map((range) => ({ ...placeOf(keyOf(range)), state: 'unknown', reason: 'SCRIPTED' })),
      batches: async (questions: readonly TopicPartition[]) =>
        questions.map((question) => ({
          ...placeOf(keyOf(question)),
          state: 'unknown',
          reason: 'SCRIPTED',
          detail: 'there are no records',
        })),
    } as unknown as Log
    this.store = {
      load: async (group: string, partitions?: readonly TopicPartition[]) => {
        this.asked.push('load')
        return (partitions ?? Object.keys(script.stored ?? {}).map(placeOf)).map((place) => this.#custody(group, place, script))
      },
    } as unknown as Store
  }

  #custody(group: string, place: TopicPartition, { stored = {} }: Script): Custody {
    const answers = stored[keyOf(place)]
    const found = answers === undefined ? ({ state: 'absent' } as const) : this.#next(`stored ${keyOf(place)}`, answers)
    return { ...place, stored: found, ownerEpoch: 0, revision: group }
  }

  #next<T>(about: string, answers: Answers<T | Error> | undefined): T {
    if (answers === undefined) throw new Error(`the script says nothing of ${about}`)
    const count = this.#counts.get(about) ?? 0
    this.#counts.set(about, count + 1)
    const answer = answers[Math.min(count, answers.length - 1)]
    if (answer instanceof Error) throw answer
    return answer as T
  }
}

function known({ topic, partition }: TopicPartition): Facts {
  return {
    topic,
    partition,
    state: 'known',
    clusterId: 'c1',
    topicId: 't1',
    leaderId: 1,
    leaderEpoch: 5,
    logStartOffset: 0,
    logEndOffset: 100,
    epochEnds: [],
  }
}

function placeOf(key: string): TopicPartition {
  const dash = key.lastIndexOf('-')
  return { topic: key.slice(0, dash), partition: Number(key.slice(dash + 1)) }
}

function describe(topic: string, answer: Listed): TopicDescription {
  if (answer === 'absent') return { state: 'absent', topic, clusterId: 'c1' }
  if (answer === 'unknown') return { state: 'unknown', topic, reason: 'LEADER_NOT_AVAILABLE', detail: 'an election' }
  return { state: 'known', topic, topicId: 't1', clusterId: 'c1', partitions: answer }
}
