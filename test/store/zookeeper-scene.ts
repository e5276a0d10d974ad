import { readFileSync } from 'node:fs'
import type { ZooKeeperServer } from '../../lab/zookeeper.ts'
import type { StoreDriver } from '../../src/store/driver.ts'
import type { Creation } from '../../src/store/zookeeper/protocol.ts'
import { openZookeeper } from '../../src/store/zookeeper/driver.ts'
import { Session } from '../../src/store/zookeeper/session.ts'

/** The operations by which the proxy tells requests apart. */
export const kinds = { create: 1, multi: 14, multiRead: 22 }

/** A ZooKeeper and what a test opened on it; all of it is closed with the scene. */
export class Scene implements AsyncDisposable {
  readonly server: ZooKeeperServer
  readonly #opened: { close(): Promise<void> }[] = []

  constructor(server: ZooKeeperServer) {
    this.server = server
  }

  /** Opens a store on the server itself or, by `at`, through something else; `rest` is the path and the parameters of its URL. */
  async open(rest = '', { at = this.server.connectString, mode = 'write', timeoutMs = 8_000 }: OpenOptions = {}): Promise<StoreDriver> {
    const store = await openZookeeper(`zookeeper://${at}${rest}`, { mode, timeoutMs })
    this.#opened.push(store)
    return store
  }

  /** Another program: it sees and changes znodes as it likes. */
  stranger(credentials?: string): Session {
    const servers = [{ host: '127.0.0.1', port: this.server.port }]
    const session = new Session({ servers, credentials, sessionTimeout: 10_000, timeoutMs: 10_000 })
    this.#opened.push(session)
    return session
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#opened) await one.close()
  }
}

interface OpenOptions {
  at?: string
  mode?: 'read' | 'write'
  timeoutMs?: number
}

/** Makes a znode and those above it. */
export async function plant(session: Session, creation: Creation): Promise<void> {
  while ((await session.create(creation)) === 'no-parent') {
    await plant(session, { path: creation.path.slice(0, creation.path.lastIndexOf('/')) })
  }
}

/** Removes a znode and those below it. */
export async function removeAll(session: Session, path: string): Promise<void> {
  for (const name of (await session.children(path)) ?? []) await removeAll(session, `${path}/${name}`)
  await session.remove(path)
}

/** Every path there is, from `path` down. */
export async function tree(session: Session, path = '/'): Promise<string[]> {
  const names = (await session.children(path)) ?? []
  const below = await Promise.all(names.map((name) => tree(session, path === '/' ? `/${name}` : `${path}/${name}`)))
  return [path, ...below.flat()].filter((found) => !found.startsWith('/zookeeper')).toSorted()
}

/** One znode as the fixture has it. */
export interface FixtureZnode {
  readonly path: string
  readonly data: string | null
  readonly ephemeral: boolean
}

/** What Kafka 1.1.1's ZooKeeper consumers left, some of them still running. */
export function fixture(): FixtureZnode[] {
  const file = new URL('../fixtures/zookeeper/consumers.live.jsonl', import.meta.url)
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as FixtureZnode)
}
