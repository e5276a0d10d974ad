import type { Facts } from '../core/facts.ts'
import type { FactsOptions, FactsQuestion, Log } from '../kafka/log.ts'
import { timesTogether } from './times-together.ts'

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
  readonly #patienceMs: number | undefined
  #asked: Asked[] = []
  #impatience: NodeJS.Timeout | undefined

  /** @param patienceMs how long those who asked wait for the others; then they are answered without them. Default: as long as it takes */
  constructor(log: Log, participants: number, patienceMs?: number) {
    this.#log = log
    this.#participants = participants
    this.#patienceMs = patienceMs
    const facts: Log['facts'] = (questions, options = {}) => this.#ask(questions, options)
    const together: Partial<Log> = { facts, offsetsAt: timesTogether(log) }
    this.log = new Proxy(log, {
      get: (target, name): unknown => {
        if (Object.hasOwn(together, name)) return Reflect.get(together, name) as unknown
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
      if (this.#patienceMs !== undefined) this.#impatience ??= setTimeout(() => this.#askNow(), this.#patienceMs)
      this.#askIfComplete()
    })
  }

  #askIfComplete(): void {
    if (this.#asked.length > 0 && this.#asked.length >= this.#participants) this.#askNow()
  }

  #askNow(): void {
    clearTimeout(this.#impatience)
    this.#impatience = undefined
    const asked = this.#asked
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
