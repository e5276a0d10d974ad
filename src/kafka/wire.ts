import {
  AuthenticationError,
  NetworkError,
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
import { Arrivals, decodingOf, settled, type Decoding } from './arriving.ts'
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

/** An answer begins with its length, and that with the ID of its request. */
const LENGTH_BYTES = 4
const ID_BYTES = 4
/** No broker answers with so much: the other side does not speak Kafka's protocol. */
const MAX_ANSWER_BYTES = 1024 * 1024 * 1024

/**
 * A connection for fetches: what the client library's is for everything else, and used like it. That one takes each 64 KB that arrive
 * into memory of their own, which costs more time than all that is done with the records. Here an answer is decoded while it arrives, and
 * the system writes the records straight into the memory that they are to stay in.
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
  readonly #arrivals = new Arrivals(this.#answers())
  #lastId = 0

  constructor(settings: ConnectionSettings) {
    super()
    this.#settings = settings
  }

  async connect(host: string, port: number): Promise<void> {
    const { tls, sasl } = this.#settings
    const onread = { buffer: () => this.#arrivals.room, callback: (count: number) => this.#read(count) }
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

  /** Bytes have arrived. Says that more are wanted. */
  #read(count: number): boolean {
    this.#arrivals.add(count)
    return true
  }

  /** Answer after answer, until one makes no sense. */
  *#answers(): Decoding<void> {
    for (;;) {
      const length = (yield LENGTH_BYTES).int32()
      if (length < ID_BYTES || length > MAX_ANSWER_BYTES) return this.#refuse(`a length of ${length}`)
      const id = (yield ID_BYTES).int32()
      const request = this.#requests.get(id)
      if (request === undefined) return this.#refuse(`an answer to request ${id}`)
      const { error, result } = yield* settled(decode(request, id, length - ID_BYTES), length - ID_BYTES)
      this.#requests.delete(id)
      request.answer(error, result)
    }
  }

  #refuse(what: string): void {
    this.socket?.destroy(new UnexpectedCorrelationIdError(what))
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

/** In newer versions there is a number of tagged fields behind the ID, which is zero. */
function* decode({ key, version, parse, hasTaggedFields }: Request, id: number, length: number): Decoding<unknown> {
  const tagBytes = hasTaggedFields ? 1 : 0
  yield tagBytes
  return yield* decodingOf(parse, length - tagBytes, id, key, version)
}

/** Node's TLS takes some milliseconds to load: only where it is used. */
function connectTls(options: object): Socket {
  return process.getBuiltinModule('node:tls').connect(options)
}
