import {
  AuthenticationError,
  NetworkError,
  ProtocolError,
  TimeoutError,
  UnexpectedCorrelationIdError,
  UserError,
} from '@platformatic/kafka'
import { TidemarkError, type ErrorCode } from '../errors.ts'
import { printAddress, type Address } from './address.ts'

/** How far a connection got before it failed: what a closed connection means depends on it. */
export type Stage = 'connecting' | 'negotiating' | 'asking'

/** Whatever the client or the network threw while a broker was asked, as one line that names the broker and says why. */
export function explain(error: unknown, address: Address, stage: Stage): TidemarkError {
  const chain = unfold(error)
  // Ours may lie within the client's: the token for an authentication could not be had, or was refused.
  const ours = chain.find((each) => each instanceof TidemarkError)
  if (ours !== undefined)
    return new TidemarkError(ours.code, `${printAddress(address)}: ${ours.what}`, { hint: ours.hint, cause: ours.cause })
  const [code, why] = refusal(chain) ?? loss(chain, stage)
  return new TidemarkError(code, `${printAddress(address)}: ${why}`, { cause: error })
}

/** What {@link explain} takes for a broker that did not answer in time. */
export function late(): Error {
  return new TimeoutError('late')
}

/** Whether it was the time that ran out, and not the connection that broke. */
export function isLate(error: unknown): boolean {
  return error instanceof TidemarkError && error.cause instanceof TimeoutError
}

/** Several brokers' failures as one error: denied or unsupported, if any of them said so, for those two don't mend by waiting. */
export function combine(failures: readonly TidemarkError[]): TidemarkError {
  const code = failures.find((failure) => failure.code !== 'KAFKA_UNREACHABLE')?.code ?? 'KAFKA_UNREACHABLE'
  const hint = failures.find((failure) => failure.hint !== undefined)?.hint
  const lines = [...new Set(failures.map((failure) => failure.what))]
  const more = lines.length > 5 ? `; and ${lines.length - 5} more` : ''
  const what = code === 'KAFKA_UNREACHABLE' ? 'no broker could be reached' : 'no broker could be asked'
  return new TidemarkError(code, `${what}: ${lines.slice(0, 5).join('; ')}${more}`, { hint, cause: failures[0]?.cause })
}

/** The error and all that it was caused by, outermost first. */
function unfold(error: unknown): Error[] {
  if (!(error instanceof Error)) return []
  const inner = [error.cause, ...(error instanceof AggregateError ? error.errors : [])]
  return [error, ...inner.flatMap(unfold)]
}

/** What the other side said no to; the client's own texts are never shown for it, since they may quote what was sent. */
function refusal(chain: readonly Error[]): [ErrorCode, string] | undefined {
  const answer = chain.find((error) => error instanceof ProtocolError) as
    | (ProtocolError & { apiId: string; serverErrorMessage: string | null })
    | undefined
  const authentication = chain.some((error) => error instanceof AuthenticationError)
  if (answer?.apiId === 'UNSUPPORTED_SASL_MECHANISM') return ['KAFKA_DENIED', 'the broker does not offer this sasl.mechanism']
  if (answer?.apiId === 'ILLEGAL_SASL_STATE') return ['KAFKA_DENIED', 'the broker expects no SASL on this port']
  if (answer !== undefined) return [authentication ? 'KAFKA_DENIED' : 'KAFKA_FAILED', `the broker answered ${answer.apiId}`]
  if (authentication && !chain.some((error) => error instanceof NetworkError && error.message.includes('closed'))) {
    return ['KAFKA_DENIED', 'the SASL exchange failed']
  }
  if (chain.some((error) => error instanceof UserError && error.message.includes('requires TLS'))) {
    return ['KAFKA_DENIED', 'this port speaks TLS: set security.protocol to SSL or SASL_SSL']
  }
  return refusalByTls(chain)
}

/** What went wrong on the way to another server than a broker. */
export function explainSocket(error: unknown): [ErrorCode, string] {
  const chain = unfold(error)
  return refusalByTls(chain) ?? lossBySystem(chain) ?? ['KAFKA_UNREACHABLE', 'the connection was lost']
}

function refusalByTls(chain: readonly Error[]): [ErrorCode, string] | undefined {
  const tls = chain.map(codeOf).find((code) => /^(ERR_SSL_|ERR_TLS_|CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_)/.test(code))
  return tls === undefined ? undefined : ['KAFKA_DENIED', `TLS failed: ${tls}`]
}

const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'no host of that name',
  EAI_AGAIN: 'the host name could not be looked up',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the host',
  ETIMEDOUT: 'no connection in time',
}

/** A connection that could not be made, or broke. */
function loss(chain: readonly Error[], stage: Stage): [ErrorCode, string] {
  const system = lossBySystem(chain)
  if (system !== undefined) return system
  if (chain.some((error) => error instanceof UnexpectedCorrelationIdError))
    return ['KAFKA_UNREACHABLE', "the answer is not Kafka's protocol: is this a broker's port?"]
  if (chain.some((error) => error instanceof TimeoutError)) return ['KAFKA_UNREACHABLE', LATE[stage]]
  if (chain.some((error) => error instanceof UserError && error.message.includes('TLS'))) {
    return ['KAFKA_UNREACHABLE', 'the TLS handshake was cut off: does this port speak TLS?']
  }
  if (!chain.some((error) => error instanceof NetworkError)) return ['KAFKA_FAILED', "the answer can't be decoded"]
  return ['KAFKA_UNREACHABLE', CLOSED[stage]]
}

function lossBySystem(chain: readonly Error[]): [ErrorCode, string] | undefined {
  const system = chain.map((error) => SYSTEM_ERRORS[codeOf(error)]).find((why) => why !== undefined)
  return system === undefined ? undefined : ['KAFKA_UNREACHABLE', system]
}

const LATE: Record<Stage, string> = {
  connecting: 'no connection in time',
  negotiating: "connected, but no answer in time: is this a broker's port?",
  asking: 'no answer in time',
}

const CLOSED: Record<Stage, string> = {
  connecting: 'the connection was closed while it was being made',
  negotiating: "the connection was closed without an answer: is this a broker's port, and does it want TLS or SASL?",
  asking: 'the connection was closed before the answer came (a port that wants SASL closes it too)',
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : ''
}
