/** Where several courses of events meet: what they come to do is done once, when the last of them is there. */
export class Rendezvous {
  readonly #size: number
  readonly #meetings = new Map<string, { arrived: number; readonly done: PromiseWithResolvers<void> }>()
  #failure: unknown

  constructor(size: number) {
    this.#size = size
  }

  /** Waits for all others to come to the same meeting, and for what is done there. */
  async meet(what: string, act: () => Promise<unknown>): Promise<void> {
    if (this.#failure !== undefined) throw this.#missing(what)
    const meeting = this.#meetings.get(what) ?? { arrived: 0, done: Promise.withResolvers<void>() }
    this.#meetings.set(what, meeting)
    meeting.arrived++
    if (meeting.arrived === this.#size) act().then(() => meeting.done.resolve(), meeting.done.reject)
    await meeting.done.promise
  }

  /** One of them does not come any more: nobody waits for it. */
  giveUp(error: unknown): void {
    this.#failure ??= error
    for (const [what, { done }] of this.#meetings) done.reject(this.#missing(what))
  }

  #missing(what: string): Error {
    return new Error(`another incident failed before ${what}`, { cause: this.#failure })
  }
}
