import { Watchdog } from '../exec/watchdog.ts'
import type { Change } from './changes.ts'
import type { ReceiverConfig } from './config.ts'
import type { Delivery } from './metrics.ts'
import { tellerOf } from './receivers.ts'
import type { Tell } from './receivers.ts'

/** The version of what receivers are told; docs/watch.md describes it. */
const VERSION = 1

/** What one message tells at most: the rest follows in the next. */
const MAX_CHANGES = 1_000

/** How long the receivers may take for what is under way when the watch ends, ms. */
const FAREWELL_MS = 3_000

/** Tells receivers of changes, each in its own time: none of them holds up a round or another receiver. */
export class Alerts implements AsyncDisposable {
  readonly #watchdog = new Watchdog(0)
  readonly #mailboxes: readonly Mailbox[]

  constructor(receivers: readonly ReceiverConfig[], say: (line: string) => void) {
    this.#mailboxes = receivers.map((config) => {
      const tell = tellerOf(config, this.#watchdog, (line) => say(`alert ${config.name}: ${line}`))
      return new Mailbox(config.name, tell, say)
    })
  }

  /** To be called once in each round, with what changed in it: what could not be told before is tried again then. */
  tell(changes: readonly Change[]): void {
    for (const mailbox of this.#mailboxes) mailbox.put(changes)
  }

  /** How often each was told. */
  get deliveries(): readonly Delivery[] {
    return this.#mailboxes.map(({ delivery }) => delivery)
  }

  /** Gives what is under way a moment, and what is not told by then up. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#mailboxes.map((mailbox) => mailbox.close()))
    this.#watchdog.close()
  }
}

/** What one receiver is still to be told: by subject, the last change of each, so that it is bounded by what is watched. */
class Mailbox {
  readonly #name: string
  readonly #tell: Tell
  readonly #say: (line: string) => void
  readonly #stop = new AbortController()
  #waiting = new Map<string, Change>()
  #underWay: Promise<void> | undefined
  #sent = 0
  #failed = 0

  constructor(name: string, tell: Tell, say: (line: string) => void) {
    this.#name = name
    this.#tell = tell
    this.#say = say
  }

  get delivery(): Delivery {
    return { receiver: this.#name, sent: this.#sent, failed: this.#failed }
  }

  put(changes: readonly Change[]): void {
    for (const change of changes) this.#waiting.set(change.subject, change)
    if (this.#waiting.size === 0 || this.#underWay !== undefined) return
    this.#underWay = this.#deliver().finally(() => {
      this.#underWay = undefined
    })
  }

  async close(): Promise<void> {
    const late = setTimeout(() => this.#stop.abort(), FAREWELL_MS)
    await this.#underWay
    clearTimeout(late)
    if (this.#waiting.size > 0) this.#say(`alert ${this.#name}: ${this.#waiting.size} alerts were not told`)
  }

  /** Until nothing is left, or the receiver fails: then what is left waits for the next round. */
  async #deliver(): Promise<void> {
    while (this.#waiting.size > 0 && !this.#stop.signal.aborted) {
      const changes = [...this.#waiting.values()].slice(0, MAX_CHANGES)
      try {
        await this.#tell(`${JSON.stringify({ version: VERSION, alerts: changes.map(asJson) })}\n`, this.#stop.signal)
      } catch (error) {
        this.#failed += 1
        this.#say(
          `alert ${this.#name}: ${changes.length} alerts could not be told, and wait for the next round: ${(error as Error).message}`,
        )
        return
      }
      this.#sent += 1
      for (const change of changes) if (this.#waiting.get(change.subject) === change) this.#waiting.delete(change.subject)
    }
  }
}

/** A change as receivers and the lines on stdout have it: times in ISO 8601. */
export function asJson({ since, at, ...change }: Change): object {
  return { ...change, since: new Date(since).toISOString(), at: new Date(at).toISOString() }
}
