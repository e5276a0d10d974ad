import type { Write } from '../src/index.ts'
import { openSqlite } from '../src/store/sqlite.ts'
import type { Fault } from '../src/testing/index.ts'
import { FaultyStore } from '../src/testing/index.ts'

/** What the demo tells its job to have happen to the next write. */
export interface Lose {
  readonly lose: Fault
}

/** An SQLite store whose next write fails when the demo says so; it tells of every write. */
export async function openFaultySqlite(url: string, tell: (writes: number) => void): Promise<FaultyStore> {
  const store = new ToldStore(await openSqlite(url, { mode: 'write', timeoutMs: 30_000 }), tell)
  process.on('message', (message) => {
    if (isLose(message)) store.fail('save', message.lose)
  })
  return store
}

class ToldStore extends FaultyStore {
  readonly #tell: (writes: number) => void

  constructor(inner: ConstructorParameters<typeof FaultyStore>[0], tell: (writes: number) => void) {
    super(inner)
    this.#tell = tell
  }

  override async save(group: string, writes: readonly Write[]) {
    try {
      return await super.save(group, writes)
    } finally {
      this.#tell(this.calls.save)
    }
  }
}

function isLose(message: unknown): message is Lose {
  return typeof message === 'object' && message !== null && 'lose' in message
}
