import {
  AuthenticationError,
  NetworkError,
  Reader,
  saslAuthenticateV2,
  saslHandshakeV1,
  saslOAuthBearer,
  saslPlain,
  saslScramSha,
  UnexpectedCorrelationIdError,
  Writer,
  type Connection,
} from '@platformatic/kafka'
import { EventEmitter, once } from 'node:events'
import { connect as connectPlain, isIP, type Socket } from 'node:net'
import type { ConnectionSettings } from './link.ts'

type Send = Connection['send']
type Answer = Parameters<Send>[6]
type Sasl = NonNullable<ConnectionSettings['sasl']>

/** A request that is under way. */
interface Request {
  readonly key: number
  readonly version: number
  readonly parse: Parameters<Send>[3]
  readonly hasTaggedFields: boolean
  readonly answer: Answer
}

const LENGTH_BYTES = 4
const FIRST_BUFFER_BYTES = 64 * 1024
/** A buffer grows by whole steps, so that answers that differ by little find room in it. */
const STEP_BYTES = 1024 * 1024
/** A larger one is not kept after the answer that needed it. */
const MAX_KEPT_BYTES = 16 * STEP_BYTES
/** No broker answers with so much: the other side does not speak Kafka's protocol. */
const MAX_ANSWER_BYTES = 1024 * STEP_BYTES

/**
 * A connection for fetches: what the client library's is for everything else, and used like it. That one takes each 64 KB that arrive
 * into memory of their own, which costs more time than all that is done with the records. Here the system writes into one buffer that
 * is used for answer after answer; whoever decodes an answer copies what is to stay.
 *
 * It does not renew its authentication (KIP-368): a broker that wants that closes the connection, and the link opens the next one.
 */
export function openWire(settings: ConnectionSettings): Connection {
  return new Wire(settings) as unknown as Connection
}

class Wire extends EventEmitter {
  readonly status = 'connected'
  socket: Socket | undefined
  readonly #settings: ConnectionSettings
  readonly #requests = new Map<number, Request>()
  #lastId = 0
  #buffer: Buffer = Buffer.allocUnsafeSlow(FIRST_BUFFER_BYTES)
  /** How much of the buffer is filled. */
  #filled = 0

  constructor(settings: ConnectionSettings) {
    super()
    this.#settings = settings
  }

  async connect(host: string, port: number): Promise<void> {
    const { tls, sasl } = this.#settings
    const onread = { buffer: () => this.#buffer.subarray(this.#filled), callback: (count: number) => this.#read(count) }
    const servername = isIP(host) === 0 ? { servername: host } : {}
    // Node's types know `onread` as an option of plain connections alone, and not that its buffer may be a function.
    const options = { host, port, onread: onread as never }
    const socket = tls === undefined ? connectPlain(options) : connectTls({ ...tls, ...servername, ...options })
    this.socket = socket
    socket.setNoDelay(true)
    socket.on('error', (error) => this.emit('error', error))
    socket.on('close', () => this.#lost())
    const closed = once(socket, 'close').then(() => {
      throw new NetworkError('connection closed')
    })
    await Promise.race([once(socket, tls === undefined ? 'connect' : 'secureConnect'), closed])
    if (sasl !== undefined) await this.#authenticate(sasl)
  }

  send(...[key, version, payload, parse, hasRequestTags, hasTaggedFields, answer]: Parameters<Send>): void {
    if (this.socket === undefined || this.socket.destroyed) return answer(new NetworkError('connection closed'))
    this.#lastId = (this.#lastId + 1) & 0x7fffffff
    const writer = Writer.create().appendInt16(key).appendInt16(version).appendInt32(this.#lastId)
    writer.appendString(this.#settings.clientId, false)
    if (hasRequestTags) writer.appendTaggedFields()
    writer.appendFrom(payload() as Writer).prependLength()
    this.#requests.set(this.#lastId, { key, version, parse, hasTaggedFields, answer })
    this.socket.write(writer.buffer)
  }

  close(): void {
    this.socket?.destroy()
  }

  async #authenticate(sasl: Sasl): Promise<void> {
    const { mechanism, username: user = '', password: secret = '' } = sasl
    const connection = this as unknown as Connection
    const { api } = saslAuthenticateV2
    try {
      await saslHandshakeV1.api.async(connection, mechanism)
      if (mechanism === 'PLAIN') await saslPlain.authenticate(api, connection, user, secret)
      else if (mechanism === 'OAUTHBEARER') await bearToken(connection, sasl)
      else await saslScramSha.authenticate(api, connection, mechanism === 'SCRAM-SHA-512' ? 'SHA-512' : 'SHA-256', user, secret)
    } catch (cause) {
      throw new AuthenticationError('SASL authentication failed.', { cause: cause as Error })
    }
  }

  /** Bytes have arrived behind those that were there. Says that more are wanted. */
  #read(count: number): boolean {
    this.#filled += count
    let at = 0
    let end = this.#endOfAnswer(at)
    for (; end <= this.#filled; end = this.#endOfAnswer(at)) {
      this.#answer(this.#buffer.subarray(at + LENGTH_BYTES, end))
      at = end
    }
    this.#makeRoom(at, end - at)
    return true
  }

  /** Where the answer that begins there ends, or would if its length were known. */
  #endOfAnswer(at: number): number {
    if (this.#filled - at < LENGTH_BYTES) return at + FIRST_BUFFER_BYTES
    const length = this.#buffer.readInt32BE(at)
    if (length >= LENGTH_BYTES && length <= MAX_ANSWER_BYTES) return at + LENGTH_BYTES + length
    this.socket?.destroy(new UnexpectedCorrelationIdError(`a length of ${length}`))
    return Number.POSITIVE_INFINITY
  }

  /** Moves what is not decoded yet to the beginning of a buffer that has room for all of the answer. */
  #makeRoom(from: number, bytes: number): void {
    const isTooSmall = bytes > this.#buffer.length && Number.isFinite(bytes)
    const isTooLarge = this.#buffer.length > MAX_KEPT_BYTES && bytes <= MAX_KEPT_BYTES
    const to = isTooSmall || isTooLarge ? Buffer.allocUnsafeSlow(Math.ceil(bytes / STEP_BYTES) * STEP_BYTES) : this.#buffer
    if (from > 0 || to !== this.#buffer) this.#buffer.copy(to, 0, from, this.#filled)
    this.#buffer = to
    this.#filled -= from
  }

  #answer(bytes: Buffer): void {
    const id = bytes.readInt32BE(0)
    const request = this.#requests.get(id)
    if (request === undefined) return void this.socket?.destroy(new UnexpectedCorrelationIdError(`an answer to request ${id}`))
    this.#requests.delete(id)
    const { answer } = request
    let result: unknown
    try {
      result = decode(request, id, bytes)
    } catch (error) {
      return answer(error as Error)
    }
    answer(null, result)
  }

  #lost(): void {
    for (const { answer } of this.#requests.values()) answer(new NetworkError('connection closed'))
    this.#requests.clear()
    this.emit('close')
  }
}

async function bearToken(connection: Connection, { token = '', oauthBearerExtensions = {}, authBytesValidator }: Sasl): Promise<void> {
  const { authBytes } = await saslOAuthBearer.authenticate(saslAuthenticateV2.api, connection, token, oauthBearerExtensions)
  await new Promise<void>((resolve, reject) => {
    authBytesValidator?.(authBytes, (error) => (error === null ? resolve() : reject(error)))
  })
}

/** The header of an answer is the request's ID, and in newer versions a number of tagged fields, which is zero. */
function decode({ key, version, parse, hasTaggedFields }: Request, id: number, bytes: Buffer): unknown {
  return parse(id, key, version, Reader.from(bytes.subarray(hasTaggedFields ? 5 : 4)))
}

/** Node's TLS takes some milliseconds to load: only where it is used. */
function connectTls(options: object): Socket {
  return process.getBuiltinModule('node:tls').connect(options)
}
