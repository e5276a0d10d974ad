import { systemClock } from '../../clock.ts'
import { TidemarkError, type ErrorCode } from '../../errors.ts'
import { connect, type Connection } from './client.ts'
import { hex } from './multi-read.ts'
import { codes, ConnectionLost, Refused } from './protocol.ts'
import { mapInFlight } from './pool.ts'
import type { Creation, MultiOutcome, Op, ServerAddress, SessionKey, Stat, Znode } from './protocol.ts'

/** Where to connect, as whom, and how patiently. */
export interface SessionOptions {
  readonly servers: readonly ServerAddress[]
  /** `user:password` for digest authentication. */
  readonly credentials?: string | undefined
  /** The session time-out to ask for, ms; the server may grant another one. */
  readonly sessionTimeout: number
  /** How long the first connection may take; each later request waits a quarter of it for a connection and as long for its answer, ms. */
  readonly timeoutMs: number
}

/** What became of a creation. */
export type Created = 'created' | 'exists' | 'no-parent'

/** The pause before the servers are tried once more, ms: doubled each time up to the longest. */
const FIRST_PAUSE = 50
const LONGEST_PAUSE = 1_000

/** How many znodes one request reads, and how many of those requests are in flight. */
const PER_READ = 128
const READS_IN_FLIGHT = 8

/**
 * One ZooKeeper session over as many connections as it takes; after the session expired, the next one. A request is sent
 * only over an open connection and never kept for a later one. Its errors are TidemarkErrors:
 * - STORE_UNREACHABLE: there is no connection; or it was lost under a request that may be sent again without harm;
 * - STORE_OUTCOME_UNKNOWN: it was lost after a multi was sent;
 * - STORE_DENIED: the server refused the credentials or the access.
 */
export class Session {
  readonly #options: SessionOptions
  readonly #servers: readonly ServerAddress[]
  readonly #closing = new AbortController()
  #connection: Connection | undefined
  #opening: Promise<Connection> | undefined
  #key: SessionKey | undefined
  #nextServer = 0
  /** The server can't read many znodes with one request. */
  #oneByOne = false

  constructor(options: SessionOptions) {
    this.#options = options
    // In an order of its own, so that the clients spread over the servers.
    this.#servers = options.servers.toSorted(() => Math.random() - 0.5)
  }

  /** Makes the first connection. */
  async open(): Promise<void> {
    await this.#connected(Date.now() + this.#options.timeoutMs)
  }

  get(path: string): Promise<Znode | undefined> {
    return this.#request(path, (connection) => connection.get(path))
  }

  /** Many znodes, in order. */
  async getAll(paths: readonly string[]): Promise<(Znode | undefined)[]> {
    const portions = Array.from({ length: Math.ceil(paths.length / PER_READ) }, (_, index) =>
      paths.slice(index * PER_READ, (index + 1) * PER_READ),
    )
    const found = await mapInFlight(portions, (portion) => this.#getPortion(portion), READS_IN_FLIGHT)
    return found.flat()
  }

  exists(path: string): Promise<Stat | undefined> {
    return this.#request(path, (connection) => connection.exists(path))
  }

  /** The names of a znode's children; undefined where there is no such znode. */
  children(path: string): Promise<string[] | undefined> {
    return this.#request(path, (connection) => connection.children(path))
  }

  /** Waits until the server that we are connected to has caught up with all that was committed. */
  sync(): Promise<void> {
    return this.#request('/', (connection) => connection.sync())
  }

  create(creation: Creation): Promise<Created> {
    return this.#request(creation.path, async (connection) => {
      try {
        await connection.create(creation)
        return 'created'
      } catch (error) {
        if (error instanceof Refused && error.code === codes.NODE_EXISTS) return 'exists'
        if (error instanceof Refused && error.code === codes.NO_NODE) return 'no-parent'
        throw error
      }
    })
  }

  /** Sets a znode's data. `mine`: it is an ephemeral of this very session; undefined where there is no such znode. */
  set(path: string, data: Buffer): Promise<{ readonly mine: boolean } | undefined> {
    return this.#request(path, async (connection) => {
      const stat = await connection.set(path, data)
      return stat && { mine: stat.ephemeralOwner === hex(connection.session.id) }
    })
  }

  remove(path: string): Promise<void> {
    return this.#request(path, (connection) => connection.remove(path))
  }

  /** Applies all operations or none; a failure by a version or an existence is a value. Nothing is sent after `latest`, ms since 1970. */
  async multi(ops: readonly Op[], latest: number): Promise<MultiOutcome> {
    const send = (connection: Connection): Promise<MultiOutcome> => {
      if (Date.now() > latest) throw new ConnectionLost('it took too long to connect', false)
      return connection.multi(ops)
    }
    const outcome = await this.#request('', send, 'STORE_OUTCOME_UNKNOWN')
    if (outcome.ok || expected.has(outcome.code)) return outcome
    throw refusal(new Refused(outcome.code), ops[outcome.index]?.path ?? '')
  }

  /** Ends the session; its ephemeral znodes go. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#opening?.catch(() => undefined)
    await this.#connection?.close()
  }

  async #getPortion(paths: readonly string[]): Promise<(Znode | undefined)[]> {
    if (this.#oneByOne) return mapInFlight(paths, (path) => this.get(path))
    const found = await this.#request('', (connection) => connection.getAll(paths))
    return found.map((one, index) => presence(one, paths[index] ?? ''))
  }

  async #request<T>(path: string, send: (connection: Connection) => Promise<T>, lost: ErrorCode = 'STORE_UNREACHABLE'): Promise<T> {
    const connection = await this.#connected(Date.now() + this.#options.timeoutMs / 4)
    try {
      return await send(connection)
    } catch (error) {
      if (error instanceof ConnectionLost) throw this.#unreachable(error, error.sent ? lost : 'STORE_UNREACHABLE')
      if (error instanceof Refused) throw refusal(error, path)
      throw error
    }
  }

  /** The open connection, or a new one as soon as a server accepts it. */
  async #connected(deadline: number): Promise<Connection> {
    for (let failures = 1; ; failures++) {
      if (this.#connection?.alive === true) return this.#connection
      try {
        this.#opening ??= this.#openNext(deadline).finally(() => (this.#opening = undefined))
        return await this.#opening
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error
        const rounds = Math.floor(failures / this.#servers.length)
        const pause = rounds === 0 ? 0 : Math.min(FIRST_PAUSE * 2 ** rounds, LONGEST_PAUSE)
        if (Date.now() + pause >= deadline || this.#closing.signal.aborted) throw this.#unreachable(error, 'STORE_UNREACHABLE')
        await systemClock.sleep(pause, this.#closing.signal)
      }
    }
  }

  /** One attempt with the next server. */
  async #openNext(deadline: number): Promise<Connection> {
    const server = this.#servers[this.#nextServer++ % this.#servers.length]
    if (server === undefined || this.#closing.signal.aborted) throw new ConnectionLost('the store was closed', false)
    try {
      this.#connection = await this.#goOn(server, deadline)
    } catch (error) {
      if (!(error instanceof Refused && error.code === codes.UNIMPLEMENTED)) throw error instanceof Refused ? refusal(error, '') : error
      this.#oneByOne = true
      this.#connection = await this.#goOn(server, deadline)
    }
    return this.#connection
  }

  /**
   * A connection that goes on with the session. That matters for more than its ephemeral znodes: once the new connection
   * stands, the servers refuse what an older one of the same session still has under way. So what is read after an
   * unknown outcome is the outcome.
   */
  async #goOn(server: ServerAddress, deadline: number): Promise<Connection> {
    const { credentials, sessionTimeout, timeoutMs: patience } = this.#options
    const timeoutMs = Math.ceil(Math.max(1, Math.min(deadline - Date.now(), sessionTimeout / this.#servers.length)))
    const options = {
      credentials,
      sessionTimeout,
      timeoutMs,
      silence: patience / 4,
      readsMany: !this.#oneByOne,
      signal: this.#closing.signal,
    }
    let connection
    try {
      connection = await connect(server, { ...options, session: this.#key })
    } catch (error) {
      if (!(error instanceof Refused && error.code === codes.SESSION_EXPIRED)) throw error
      this.#key = undefined
      connection = await connect(server, options)
    }
    this.#key = connection.session
    return connection
  }

  #unreachable(error: ConnectionLost, code: ErrorCode): TidemarkError {
    const servers = this.#servers.map(({ host, port }) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)).join(',')
    const what = code === 'STORE_OUTCOME_UNKNOWN' ? 'the connection was lost during a write' : `ZooKeeper can't be reached`
    const hint = code === 'STORE_OUTCOME_UNKNOWN' ? undefined : 'Check that it is up and that the address is right'
    return new TidemarkError(code, `${what} (${servers}): ${error.message}`, { hint, cause: error })
  }
}

function presence(found: Znode | number, path: string): Znode | undefined {
  if (typeof found !== 'number') return found
  if (found === codes.NO_NODE) return undefined
  throw refusal(new Refused(found), path)
}

/** The failures of a multi that its sender reads more to understand. */
const expected: ReadonlySet<number> = new Set([codes.NO_NODE, codes.NODE_EXISTS, codes.BAD_VERSION])

/** An answer of the server's that no request here expects. */
function refusal(error: Refused, path: string): TidemarkError {
  const where = path === '' ? '' : ` for ${path}`
  const denied = error.code === codes.NO_AUTH || error.code === codes.AUTH_FAILED
  const hint = denied ? "Check the user and password in the store's URL, and the access control lists of the znodes" : undefined
  // An expired session's requests are answered so, and not carried out.
  if (error.code === codes.SESSION_EXPIRED)
    return new TidemarkError('STORE_UNREACHABLE', 'the ZooKeeper session has expired', { cause: error })
  return new TidemarkError(denied ? 'STORE_DENIED' : 'INTERNAL', `${error.message}${where}`, { hint, cause: error })
}
