import type { Clock } from '../clock.ts'
import type { PlanEntry } from '../core/plan.ts'
import { keyOf } from '../core/position.ts'
import type { TopicPartition } from '../core/position.ts'
import { asTidemarkError } from '../errors.ts'
import type { Notice, OnNotice } from './notice.ts'

/** How often a reason to wait is said again, ms. */
const SAY_EVERY_MS = 15_000

/** Says what people should know of a job: each reason to wait only now and then. */
export class Voice {
  readonly #onNotice: OnNotice
  readonly #clock: Clock
  readonly #said = new Map<string, number>()

  constructor(onNotice: OnNotice, clock: Clock) {
    this.#onNotice = onNotice
    this.#clock = clock
  }

  /** `reason`: what is the same of a reason to wait when it is said again, in other words. */
  say(kind: Notice['kind'], text: string, place?: TopicPartition, reason = ''): void {
    const now = this.#clock.now()
    const key = `${kind} ${place === undefined ? '' : keyOf(place)} ${reason}`
    if (kind === 'waiting' && now < (this.#said.get(key) ?? 0) + SAY_EVERY_MS) return
    this.#said.set(key, now)
    this.#onNotice(place === undefined ? { kind, text } : { kind, text, topic: place.topic, partition: place.partition })
  }

  /** One line per reason, however many partitions wait for it. */
  waiting(partitions: ReadonlyArray<TopicPartition & { readonly reason: string }>): void {
    for (const [reason, places] of Map.groupBy(partitions, (one) => one.reason)) {
      const [first, ...others] = places
      const names = first === undefined ? '' : `${keyOf(first)}${others.length === 0 ? '' : ` and ${others.length} more`}`
      const [code] = reason.split(':', 1)
      this.say('waiting', `waiting for ${names}: ${reason}`, others.length === 0 ? first : undefined, code)
    }
  }

  /** What was found when a partition was settled. Where a new group begins is no news. */
  settled(entry: PlanEntry): void {
    if (entry.move !== undefined && entry.verdict !== 'missing') this.moved(entry)
    if (entry.move === undefined && entry.verdict === 'suspect') this.#goesOn(entry)
  }

  /** A job goes on from a suspect offset unless the policy says otherwise. */
  #goesOn(entry: PlanEntry): void {
    this.say('suspect', `${keyOf(entry)} goes on at ${entry.from}, and is suspect: ${entry.evidence.join('; ')}`, entry)
  }

  /** The job ends by something else, and before that a save failed too. */
  unsaved(error: unknown): void {
    const { message } = asTidemarkError(error)
    this.say('unsaved', `a batch that was handled before could not be saved either, and is handled again at the next start: ${message}`)
  }

  moved(entry: PlanEntry): void {
    const { verdict, action, from, move, evidence } = entry
    const skipped = move?.skipped === null ? 'nobody knows how many of its records were unread' : `at most ${move?.skipped} records skipped`
    const cost = `${skipped}, ${move?.reread} read again`
    this.say(
      'moved',
      `${keyOf(entry)} was ${verdict}: moved from ${from ?? 'nothing'} to ${move?.to} (${action}; ${cost}): ${evidence.join('; ')}`,
      entry,
    )
  }
}
