import type { Facts } from '../core/facts.ts'
import type { FactsOptions, FactsQuestion, Log } from '../kafka/log.ts'

/** A question of one participant's that waits for the others'. */
interface Asked {
  readonly questions: readonly FactsQuestion[]
  readonly options: FactsOptions
  readonly resolve: (facts: Facts[]) => void
  readonly reject: (error: unknown) => void
}

/**
 * Puts the questions of many participants to the cluster as one: whoever asks waits until everybody who has not left has asked.
 * Each of them is bounded by a time-out of its own, and so is the waiting.
 */
export class FactsTogether {
  /** The log as a participant is to use it. */
  readonly log: Log
  readonly #log: Log
  #participants: number
  #asked: Asked[] = []

  constructor(log: Log, participants: number) {
    this.#log = log
    this.#participants = participants
    const facts: Log['facts'] = (questions, options = {}) => this.#ask(questions, options)
    this.log = new Proxy(log, {
      get: (target, name): unknown => {
        if (name === 'facts') return facts
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
  }

  /** A participant is done, and asks nothing any more. */
  leave(): void {
    this.#participants--
    this.#askIfComplete()
  }

  #ask(questions: readonly FactsQuestion[], options: FactsOptions): Promise<Facts[]> {
    return new Promise((resolve, reject) => {
      this.#asked.push({ questions, options, resolve, reject })
      this.#askIfComplete()
    })
  }

  #askIfComplete(): void {
    const asked = this.#asked
    if (asked.length === 0 || asked.length < this.#participants) return
    this.#asked = []
    void this.#askAll(asked)
  }

  async #askAll(asked: readonly Asked[]): Promise<void> {
    try {
      const facts = await this.#log.facts(
        asked.flatMap(({ questions }) => questions),
        {
          elsewhere: asked.some(({ options }) => options.elsewhere),
          lastStableOffset: asked.some(({ options }) => options.lastStableOffset),
          signal: asked[0]?.options.signal,
        },
      )
      let next = 0
      for (const { questions, resolve } of asked) resolve(facts.slice(next, (next += questions.length)))
    } catch (error) {
      for (const { reject } of asked) reject(error)
    }
  }
}
