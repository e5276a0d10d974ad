import { Connection, type ConnectionOptions } from '@platformatic/kafka'
import { isIP } from 'node:net'
import { TidemarkError } from '../errors.ts'
import type { Address } from './address.ts'
import { explain, isLate, late, type Stage } from './failures.ts'
import { ask, negotiate, pick, type Call, type Versions } from './protocol.ts'
import { openWire } from './wire.ts'
import { within } from './within.ts'

/** How brokers are connected to; properties.ts makes it from a properties file. */
export interface ConnectionSettings {
  readonly clientId: string
  readonly tls?: ConnectionOptions['tls'] | undefined
  readonly sasl?: ConnectionOptions['sasl'] | undefined
}

/** How long one request may take, opening the connection included. */
export interface SendLimits {
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/** A connection and how far it got. */
interface Session {
  readonly connection: Connection
  /** What the broker at the other end speaks: known once it is connected, authenticated and asked. */
  readonly versions: Promise<Versions>
  readonly progress: Progress
}

interface Progress {
  stage: Stage
  /** What the connection last complained of: more than the `connection closed` that its requests end with. */
  complaint?: Error
}

/** One connection to one address: opened when first used, and again after it was lost. */
export class Link {
  readonly address: Address
  readonly #settings: ConnectionSettings
  readonly #connectMs: number
  readonly #forFetches: boolean
  #session: Session | undefined
  #closed = false

  /**
   * @param connectMs how long connecting, authenticating and negotiating may take in all
   * @param forFetches whether the answers are many and large: wire.ts
   */
  constructor(address: Address, settings: ConnectionSettings, connectMs: number, forFetches = false) {
    this.address = address
    this.#settings = settings
    this.#connectMs = connectMs
    this.#forFetches = forFetches
  }

  /**
   * One request and its answer. A broker that does not answer in time loses the connection: its answers come in order, so
   * that nothing behind the missing one would be heard.
   * @throws TidemarkError KAFKA_UNREACHABLE, KAFKA_DENIED, KAFKA_UNSUPPORTED, KAFKA_FAILED; or the signal's reason
   */
  async send<Args extends unknown[], Result>(call: Call<Args, Result>, args: Args, { timeoutMs, signal }: SendLimits): Promise<Result> {
    let over = false
    try {
      return await within(
        this.#attempts(call, args, () => over),
        { timeoutMs, signal, late: () => explain(late(), this.address, this.#session?.progress.stage ?? 'connecting') },
      )
    } catch (error) {
      if (isLate(error)) this.#reset()
      throw error
    } finally {
      over = true
    }
  }

  /** Ends the connection and what is under way on it; nothing can be sent any more. */
  close(): void {
    this.#closed = true
    this.#reset()
  }

  /**
   * A connection that lay idle may have been closed by the broker just now, or have come too late to renew its authentication.
   * Where one that was open already turns out to be lost, the request goes out once more on a new one: safe for reads, and
   * produce.ts says what it means for writes.
   */
  async #attempts<Args extends unknown[], Result>(call: Call<Args, Result>, args: Args, isOver: () => boolean): Promise<Result> {
    const before = this.#session
    try {
      return await this.#ask(call, args)
    } catch (error) {
      const lost = error instanceof TidemarkError && (error.code === 'KAFKA_UNREACHABLE' || error.code === 'KAFKA_DENIED')
      if (before === undefined || !lost || isOver() || this.#closed) throw error
      if (this.#session === before) this.#reset()
      return this.#ask(call, args)
    }
  }

  async #ask<Args extends unknown[], Result>(call: Call<Args, Result>, args: Args): Promise<Result> {
    const { connection, versions, progress } = this.#open()
    try {
      const api = pick(call, await versions)
      // While an authentication is being renewed (KIP-368) the broker takes nothing but that exchange.
      if (connection.status === 'reauthenticating') await connection.ready()
      return await ask(connection, api, args)
    } catch (error) {
      throw explain(progress.complaint ?? error, this.address, progress.stage)
    }
  }

  #open(): Session {
    if (this.#closed) throw new TidemarkError('USAGE', 'the connection to Kafka was closed')
    if (this.#session !== undefined) return this.#session
    const connection = this.#forFetches ? openWire(this.#settings) : openConnection(this.#settings, this.address, this.#connectMs)
    const progress: Progress = { stage: 'connecting' }
    // Also because an 'error' event that nobody listens to ends the process.
    connection.on('error', (error) => (progress.complaint = error))
    const versions = within(this.#start(connection, progress), { timeoutMs: this.#connectMs, late })
    const session = { connection, versions, progress }
    this.#session = session
    const forget = (): void => {
      if (this.#session === session) this.#reset()
    }
    connection.once('close', forget)
    versions.catch(forget)
    return session
  }

  async #start(connection: Connection, progress: Progress): Promise<Versions> {
    await connection.connect(this.address.host, this.address.port)
    progress.stage = 'negotiating'
    const versions = await negotiate(connection)
    progress.stage = 'asking'
    return versions
  }

  #reset(): void {
    const connection = this.#session?.connection
    this.#session = undefined
    if (connection === undefined) return
    // Closing alone waits for what is still to be written: a broker that hangs would keep the process alive.
    connection.close(() => {})
    connection.socket?.destroy()
  }
}

function openConnection({ clientId, tls, sasl }: ConnectionSettings, { host }: Address, connectMs: number): Connection {
  return new Connection(clientId, {
    connectTimeout: connectMs,
    // Time-outs are ours, per request: a fetch may wait longer than an ask.
    requestTimeout: 2 ** 31 - 1,
    ...(tls === undefined ? {} : { tls, ...(isIP(host) === 0 ? { tlsServerName: host } : {}) }),
    ...(sasl === undefined ? {} : { sasl }),
  })
}
