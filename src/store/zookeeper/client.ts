import library, { type Client, type Done, type Stat as RawStat } from 'node-zookeeper-client'
import jute from 'node-zookeeper-client/lib/jute/index.js'
import { decodeMultiRead, encodeMultiRead, hex } from './multi-read.ts'
import { decodeMulti, encodeMulti, MODES, type Acl } from './multi-write.ts'
import { codes, ConnectionLost, Refused } from './protocol.ts'
import type { Creation, MultiOutcome, Op, ServerAddress, SessionKey, Stat, Znode } from './protocol.ts'

/**
 * One connection to one server, as promises: the only file that knows node-zookeeper-client. That library reconnects by
 * itself and then goes on with what was queued and with half an old reply in its buffer, so each of its clients is used
 * for a single connection here and never again; session.ts opens the next one and takes the session over.
 */

/** How to open a connection. */
export interface ConnectOptions {
  /** `user:password` for digest authentication. */
  readonly credentials?: string | undefined
  /** The session to go on with; none: a new one. */
  readonly session?: SessionKey | undefined
  /** The session time-out to ask for, ms. */
  readonly sessionTimeout: number
  /** How long to wait for the server's first answer, ms. */
  readonly timeoutMs: number
  /** How long at most to wait for any answer after that, ms. */
  readonly silence: number
  /** Makes sure that `getAll` works; without it, it must not be used. */
  readonly readsMany: boolean
  /** Gives the attempt up. */
  readonly signal: AbortSignal
}

/** ZooKeeper's own rule: a client gives a connection up that has been silent for two thirds of the session time-out. */
const SILENCE = 2 / 3
/** How long closing may wait for the server's farewell, ms. */
const FAREWELL = 2_000
const { ALL, READ, CREATE } = library.Permission
const anyone = { scheme: 'world', id: 'anyone' }
const creator = { scheme: 'auth', id: '' }
const openToAll: readonly Acl[] = [{ permissions: ALL, ...anyone }]
const ownedAlone: readonly Acl[] = [
  { permissions: ALL, ...creator },
  { permissions: READ, ...anyone },
]
const ownedAndShared: readonly Acl[] = [
  { permissions: ALL, ...creator },
  { permissions: READ | CREATE, ...anyone },
]
const opcodes = jute.OP_CODES

/** Opens a connection. Rejects with ConnectionLost, or Refused: SESSION_EXPIRED where the session to go on with is over, AUTH_FAILED, UNIMPLEMENTED by `readsMany`. */
export async function connect(server: ServerAddress, options: ConnectOptions): Promise<Connection> {
  const connection = new Connection(server, options)
  try {
    await connection.opened
    // All that was committed before is seen by reads after, whichever server this is; and an authentication that failed shows here.
    await connection.sync()
    // A server before 3.6 answers UNIMPLEMENTED and drops the connection; with more in flight that answer would be lost.
    if (options.readsMany) await connection.getAll(['/'])
    return connection
  } catch (error) {
    connection.destroy('it could not be opened')
    throw error
  }
}

/** An open connection; see {@link connect}. */
export class Connection {
  /** Settles once the server has accepted the session, or never will. */
  readonly opened: Promise<void>
  readonly #client: Client
  readonly #owned: boolean
  readonly #silence: number
  readonly #inFlight = new Set<(error: Error) => void>()
  /** The answer that is being read. */
  #frame: Buffer = Buffer.alloc(0)
  #lost: string | undefined

  constructor(server: ServerAddress, { credentials, session, sessionTimeout, timeoutMs, silence, signal }: ConnectOptions) {
    const resumed = session === undefined ? {} : { sessionId: session.id, sessionPassword: session.password }
    this.#client = library.createClient('one:1', { sessionTimeout, ...resumed })
    this.#owned = credentials !== undefined
    this.#silence = silence
    if (credentials !== undefined) this.#client.addAuthInfo('digest', Buffer.from(credentials))
    this.opened = this.#open(server, timeoutMs, signal)
  }

  get alive(): boolean {
    return this.#lost === undefined
  }

  get session(): SessionKey {
    return { id: this.#client.getSessionId(), password: this.#client.getSessionPassword() }
  }

  async get(path: string): Promise<Znode | undefined> {
    const found = await this.#find<[Buffer | undefined, RawStat]>((done) => this.#client.getData(path, done))
    return found && { data: found[0] ?? Buffer.alloc(0), stat: statOf(found[1]) }
  }

  /** Reads many znodes with one request: each one, or the server's error code. */
  getAll(paths: readonly string[]): Promise<(Znode | number)[]> {
    return this.#askRaw((xid) => encodeMultiRead(xid, paths), decodeMultiRead)
  }

  async exists(path: string): Promise<Stat | undefined> {
    const [stat] = await this.#ask<[RawStat | null]>((done) => this.#client.exists(path, done))
    return stat === null ? undefined : statOf(stat)
  }

  /** The names of a znode's children; undefined where there is no such znode. */
  async children(path: string): Promise<string[] | undefined> {
    const found = await this.#find<[string[]]>((done) => this.#client.getChildren(path, done))
    return found?.[0]
  }

  async create(creation: Creation): Promise<void> {
    const { path, data, mode = 'persistent' } = creation
    const acls = this.#aclsOf(creation).map(({ permissions, ...who }) => new library.ACL(permissions, new library.Id(who.scheme, who.id)))
    await this.#ask<[string]>((done) => this.#client.create(path, data, acls, MODES[mode], done))
  }

  /** Sets a znode's data whatever its version; undefined where there is no such znode. */
  async set(path: string, data: Buffer): Promise<Stat | undefined> {
    const found = await this.#find<[RawStat]>((done) => this.#client.setData(path, data, -1, done))
    return found && statOf(found[0])
  }

  /** Removes a znode without children; does nothing where there is none. */
  async remove(path: string): Promise<void> {
    await this.#find<[]>((done) => this.#client.remove(path, -1, done))
  }

  /** Applies all operations or none. */
  multi(ops: readonly Op[]): Promise<MultiOutcome> {
    return this.#askRaw((xid) => encodeMulti(xid, ops, (creation) => this.#aclsOf(creation)), decodeMulti)
  }

  /** Waits until the server has seen all that was committed before. */
  sync(): Promise<void> {
    // A SYNC asks with a path alone, as GET_ACL does.
    const payload = new jute.protocol.GetACLRequest('/')
    const encode = (xid: number): Buffer => new jute.Request(new jute.protocol.RequestHeader(xid, opcodes.SYNC), payload).toBuffer()
    return this.#askRaw(encode, () => undefined)
  }

  /** Ends the session in good order: its ephemeral znodes go at once. */
  async close(): Promise<void> {
    if (!this.alive) return
    const gone = new Promise<void>((resolve) => this.#inFlight.add(() => resolve()))
    const timer = setTimeout(() => this.destroy('the server did not say goodbye'), FAREWELL)
    this.#client.close()
    await gone
    clearTimeout(timer)
  }

  /** Drops the connection at once; the session lives on until its time-out. What is in flight fails. */
  destroy(reason: string): void {
    if (this.#lost !== undefined) return
    this.#lost = reason
    const manager = this.#client.connectionManager
    clearTimeout(manager.connectTimeoutHandler)
    manager.socket?.destroy()
    for (const fail of this.#inFlight) fail(new ConnectionLost(reason, true))
  }

  async #open(server: ServerAddress, timeoutMs: number, signal: AbortSignal): Promise<void> {
    const manager = this.#client.connectionManager
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const giveUp = (): void => this.destroy('the store was closed')
    const timer = setTimeout(() => this.destroy(`no answer within ${timeoutMs} ms`), timeoutMs)
    signal.addEventListener('abort', giveUp, { once: true })
    this.#inFlight.add(reject)
    this.#client.on('state', (state: object) => {
      if (state === library.State.SYNC_CONNECTED) resolve()
      if (state === library.State.EXPIRED) reject(new Refused(codes.SESSION_EXPIRED))
    })
    this.#feedDecoder()
    // Assigned, because the library's connect string can't hold an IPv6 address.
    manager.servers = [server]
    this.#client.connect()
    manager.connect = () => undefined
    // The library makes the socket in the next tick, just before this.
    process.nextTick(() => this.#watchSocket())
    try {
      await promise
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', giveUp)
      this.#inFlight.delete(reject)
    }
  }

  /**
   * Hands the library one whole answer at a time: of a chunk with many it copies the rest once for each, and calls itself as
   * deep. And an error code that it does not know makes it throw out of a socket's event, which would end the process.
   */
  #feedDecoder(): void {
    const manager = this.#client.connectionManager
    const decode = manager.onSocketData.bind(manager)
    let rest: Buffer = Buffer.alloc(0)
    manager.onSocketData = (chunk) => {
      let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      try {
        for (let end = endOfFrame(bytes); end <= bytes.length; end = endOfFrame(bytes)) {
          this.#frame = bytes.subarray(0, end)
          decode(this.#frame)
          bytes = bytes.subarray(end)
        }
        rest = bytes
      } catch (error) {
        this.destroy(`an answer can't be read: ${String(error)}`)
      }
    }
  }

  #watchSocket(): void {
    const { socket } = this.#client.connectionManager
    let reason = 'the server closed the connection'
    // Where a name has several addresses and none answers, the error has a code and no message.
    socket?.on('error', (error: NodeJS.ErrnoException) => (reason = error.message || (error.code ?? reason)))
    socket?.on('close', () => this.destroy(reason))
    if (!this.alive) socket?.destroy()
  }

  /** Sends a request and waits for its answer. */
  async #ask<T extends unknown[]>(send: (done: Done<T>) => void): Promise<T> {
    const answer = await this.#find(send)
    if (answer === undefined) throw new Refused(codes.NO_NODE)
    return answer
  }

  /**
   * The same, with undefined for the answer that there is no such znode: errors are too slow to be made by the thousand.
   * An answer that does not come in time means that the connection is dead, which the library never finds out.
   */
  #find<T extends unknown[]>(send: (done: Done<T>) => void): Promise<T | undefined> {
    if (this.#lost !== undefined) return Promise.reject(new ConnectionLost(this.#lost, false))
    this.#cork()
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer)
        this.#inFlight.delete(fail)
      }
      const fail = (error: Error): void => {
        settle()
        reject(error)
      }
      const silence = Math.ceil(Math.min(this.#client.getSessionTimeout() * SILENCE, this.#silence))
      const tooLong = (): void => {
        if (this.#inFlight.has(fail)) this.destroy(`no answer within ${silence} ms`)
      }
      // One round of the event loop more: after a long pause of this process the answer may be there, only unread.
      const timer = setTimeout(() => setImmediate(tooLong), silence)
      this.#inFlight.add(fail)
      const done: Done<T> = (error, ...values) => {
        // A lost connection is told by the socket's close, with its reason.
        if (error?.code === codes.CONNECTION_LOSS) return
        if (error == null || error.code === codes.NO_NODE) {
          settle()
          resolve(error == null ? values : undefined)
        } else {
          fail(new Refused(error.code))
        }
      }
      try {
        send(done)
      } catch (error) {
        // The library refuses to send it: beyond 1 MiB, say.
        fail(error instanceof Error ? error : new Error(String(error)))
      }
    })
  }

  /**
   * Sends a request that the library does not know. It would drop the connection on the reply, so in its books each is a
   * DELETE, whose reply has no body; the body is read from the frame.
   */
  async #askRaw<T>(encode: (xid: number) => Buffer, decode: (frame: Buffer) => T): Promise<T> {
    const booked = new jute.protocol.RequestHeader(undefined, opcodes.DELETE)
    const request = { header: booked, payload: null, toBuffer: () => encode(booked.xid) }
    const [answer] = await this.#ask<[T]>((done) =>
      this.#client.connectionManager.queue(request, (error) =>
        error == null ? done(null, decode(this.#frame)) : done(error, undefined as T),
      ),
    )
    return answer
  }

  /** Sends what is asked in one tick as one packet instead of many. */
  #cork(): void {
    const { socket } = this.#client.connectionManager
    if (socket === undefined || socket.writableCorked > 0) return
    socket.cork()
    process.nextTick(() => socket.uncork())
  }

  #aclsOf({ shared = false }: Creation): readonly Acl[] {
    if (!this.#owned) return openToAll
    return shared ? ownedAndShared : ownedAlone
  }
}

/** Where the first frame ends: its length stands before it, in four bytes. */
function endOfFrame(bytes: Buffer): number {
  if (bytes.length < 4) return Infinity
  const length = bytes.readInt32BE()
  if (length < 0) throw new Error(`a length of ${length}`)
  return 4 + length
}

function statOf(raw: RawStat): Stat {
  return {
    mzxid: hex(raw.mzxid),
    mtime: Number(raw.mtime.readBigInt64BE()),
    version: raw.version,
    ephemeralOwner: hex(raw.ephemeralOwner),
  }
}
