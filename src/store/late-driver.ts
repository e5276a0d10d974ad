import type { Clock } from '../clock.ts'
import { isUnreachable } from '../errors.ts'
import type { StoreDriver } from './driver.ts'

/** How long an opening is waited for: most are over by then, and a store that is away must not hold a job up in silence. */
const OPENING_MS = 1_000

/**
 * A backend that may be away when it is opened: opened at once where it can be, else by the next call. So a job starts, says
 * what it waits for, and goes on by itself; and whoever only asks hears from the call itself that the store is out of reach.
 */
export class LateDriver {
  readonly #open: () => Promise<StoreDriver>
  #opening: Promise<StoreDriver> | undefined
  #closed = false

  constructor(open: () => Promise<StoreDriver>) {
    this.#open = open
  }

  /** @throws what opening throws, unless it may be mended by waiting */
  async tryOpen(clock: Clock): Promise<void> {
    const over = new AbortController()
    const opened = this.get().then(() => undefined)
    opened.catch(() => {}) // heard of by the next call
    try {
      await Promise.race([opened, clock.sleep(OPENING_MS, over.signal)])
    } catch (error) {
      if (!isUnreachable(error)) throw error
    } finally {
      over.abort()
    }
  }

  /** The backend, opened. One opening serves all who wait for it; one that failed is tried again by the next call. */
  get(): Promise<StoreDriver> {
    this.#opening ??= this.#open().then(
      async (driver) => {
        if (this.#closed) await driver.close()
        return driver
      },
      (error: unknown) => {
        this.#opening = undefined
        throw error
      },
    )
    return this.#opening
  }

  async close(): Promise<void> {
    this.#closed = true
    const opening = this.#opening
    if (opening === undefined) return
    const driver = await Promise.race([opening, Promise.resolve(undefined)])
    await driver?.close()
  }
}
