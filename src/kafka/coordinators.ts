import { setTimeout as sleep } from 'node:timers/promises'
import { TidemarkError } from '../errors.ts'
import type { Cluster } from './cluster.ts'
import { combine } from './failures.ts'
import { firstAnswer } from './first-answer.ts'
import { findCoordinator } from './group-calls.ts'
import type { Send } from './leaders.ts'
import { errorName } from './protocol.ts'

/** The key type of FindCoordinator for groups. */
const GROUP_KEY = 0

/** Answers by which a broker says that a group is kept elsewhere now, or not yet ready: another try will tell. */
const MOVING: ReadonlySet<string> = new Set(['NOT_COORDINATOR', 'COORDINATOR_NOT_AVAILABLE', 'COORDINATOR_LOAD_IN_PROGRESS'])

/** As Java's retry.backoff.ms. */
const BACKOFF_MS = 100

/** Asks one broker. */
export type Question<Answer> = (send: Send, nodeId: number) => Promise<Answer>

/** Which broker keeps which group, as last heard. */
export class Coordinators {
  readonly #cluster: Cluster
  readonly #known = new Map<string, number>()

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** A broker listed this group as its own. */
  learn(group: string, nodeId: number): void {
    this.#known.set(group, nodeId)
  }

  /**
   * Asks a group's coordinator, and again wherever the group has moved to, until it answers or the time is over. `errorOf` tells
   * Kafka's name of the error that stands for the whole answer.
   * @throws TidemarkError KAFKA_UNREACHABLE, KAFKA_DENIED, KAFKA_FAILED
   */
  async ask<Answer>(group: string, question: Question<Answer>, errorOf: (answer: Answer) => string): Promise<Answer> {
    const { timeoutMs } = this.#cluster
    for (const end = performance.now() + timeoutMs * (2 / 3); ;) {
      let error: string
      const found = await this.#coordinatorOf(group)
      if (typeof found === 'number') {
        const answer = await this.#askAt(group, found, question)
        error = errorOf(answer)
        if (!MOVING.has(error)) return answer
      } else {
        error = found.error
      }
      this.#known.delete(group)
      if (performance.now() + BACKOFF_MS > end) throw unavailable(group, error)
      await sleep(BACKOFF_MS)
    }
  }

  async #askAt<Answer>(group: string, nodeId: number, question: Question<Answer>): Promise<Answer> {
    try {
      return await question((call, args) => this.#cluster.send(nodeId, call, args), nodeId)
    } catch (error) {
      this.#known.delete(group)
      throw error
    }
  }

  /** The coordinator's node ID, or Kafka's name of a passing error. */
  async #coordinatorOf(group: string): Promise<number | { readonly error: string }> {
    const known = this.#known.get(group)
    if (known !== undefined) return known
    const { brokers } = await this.#cluster.metadata([])
    if (brokers.size === 0) return { error: 'COORDINATOR_NOT_AVAILABLE' }
    const ask = async (nodeId: number) => this.#cluster.send(nodeId, findCoordinator, [GROUP_KEY, [group]])
    const { coordinators } = await firstAnswer([...brokers.keys()], ask, this.#cluster.timeoutMs / 10).catch((error: AggregateError) => {
      throw combine(error.errors as TidemarkError[])
    })
    const [found] = coordinators
    const error = found === undefined ? 'NO_ANSWER' : errorName(found.errorCode)
    if (found === undefined || MOVING.has(error)) return { error }
    refuse(group, error)
    this.#known.set(group, found.nodeId)
    return found.nodeId
  }
}

/** @throws TidemarkError KAFKA_DENIED, KAFKA_FAILED for an error that stands for a whole group; NONE is none */
export function refuse(group: string, error: string): void {
  if (error === 'NONE') return
  if (error.endsWith('AUTHORIZATION_FAILED')) {
    throw new TidemarkError('KAFKA_DENIED', `the cluster answered ${error}`, {
      group,
      hint: 'See docs/acls.md for the ACLs that each verb needs',
    })
  }
  throw new TidemarkError('KAFKA_FAILED', `the group's coordinator answered ${error}`, { group })
}

function unavailable(group: string, error: string): TidemarkError {
  return new TidemarkError('KAFKA_UNREACHABLE', `the group's coordinator is not available: ${error}`, { group })
}
