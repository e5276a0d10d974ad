import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { IncomingMessage } from 'node:http'
import type { ConnectionOptions } from 'node:tls'
import { TidemarkError } from '../../errors.ts'
import { explainSocket } from '../failures.ts'
import { expiryOf, type Token } from './tokens.ts'

/** Where tokens come from, and by what they are asked for (KIP-768). */
export interface TokenEndpoint {
  readonly url: URL
  readonly clientId: string
  readonly clientSecret: string
  readonly scope: string | undefined
  /** Whether ID and secret are URL-encoded before they go into the header, as RFC 6749 says and many servers do not expect. */
  readonly isUrlEncoded: boolean
  readonly tls: ConnectionOptions
}

/** Less than connecting to a broker may take, or that would be what seems to have failed. */
const PATIENCE_MS = 5000
const MAX_ANSWER_BYTES = 1024 * 1024
/** RFC 6749, section 5.2. Nothing else of a refusal is shown: it may quote what was sent. */
const REFUSALS = new Set([
  'invalid_request',
  'invalid_client',
  'invalid_grant',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
])

/**
 * Asks for a token by client credentials (RFC 6749, section 4.4). One attempt.
 * @throws TidemarkError KAFKA_UNREACHABLE: no answer, or one that another try may mend; KAFKA_DENIED: no token
 */
export async function requestToken(endpoint: TokenEndpoint): Promise<Token> {
  const { status, body } = await post(endpoint)
  const answer = parse(body)
  if (status !== 200) {
    const refusal = typeof answer['error'] === 'string' && REFUSALS.has(answer['error']) ? ` ${answer['error']}` : ''
    const isPassing = status === 429 || status >= 500
    throw new TidemarkError(
      isPassing ? 'KAFKA_UNREACHABLE' : 'KAFKA_DENIED',
      `the token end point ${placeOf(endpoint.url)} answered ${status}${refusal}`,
      {
        hint: isPassing ? undefined : 'Look at sasl.oauthbearer.token.endpoint.url, the client ID, its secret and the scope',
      },
    )
  }
  const text = sendable(answer['access_token'], endpoint.url)
  return { text, expiresAt: expiryOf(text) ?? expiryBy(answer['expires_in']) }
}

/** A token as it can be sent to a broker (RFC 7628). @throws TidemarkError KAFKA_DENIED for what is none */
export function sendable(text: unknown, url: URL): string {
  if (typeof text === 'string' && /^[\x21-\x7e]+$/.test(text)) return text
  throw new TidemarkError('KAFKA_DENIED', `${placeOf(url)} gave no token`)
}

/** A URL as it may be shown: without user, password and parameters. */
export function placeOf({ protocol, host, pathname }: URL): string {
  return `${protocol}//${host}${pathname}`
}

function expiryBy(seconds: unknown): number | undefined {
  return typeof seconds === 'number' && seconds > 0 ? Date.now() + seconds * 1000 : undefined
}

function post(endpoint: TokenEndpoint): Promise<{ status: number; body: string }> {
  const { url, scope, tls } = endpoint
  const form = new URLSearchParams({ grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }) }).toString()
  const headers = {
    authorization: `Basic ${Buffer.from(credentials(endpoint)).toString('base64')}`,
    accept: 'application/json',
    'content-type': 'application/x-www-form-urlencoded',
    'content-length': Buffer.byteLength(form),
  }
  const options = { method: 'POST', headers, agent: false, signal: AbortSignal.timeout(PATIENCE_MS) } as const
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => reject(unanswered(error, url))
    const onAnswer = (answer: IncomingMessage): void => {
      readBody(answer).then((body) => resolve({ status: answer.statusCode ?? 0, body }), fail)
    }
    const request = url.protocol === 'https:' ? requestHttps(url, { ...tls, ...options }, onAnswer) : requestHttp(url, options, onAnswer)
    request.on('error', fail).end(form)
  })
}

function credentials({ clientId, clientSecret, isUrlEncoded }: TokenEndpoint): string {
  const encode = isUrlEncoded ? (text: string) => new URLSearchParams({ '': text }).toString().slice(1) : (text: string) => text
  return `${encode(clientId)}:${encode(clientSecret)}`
}

async function readBody(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_ANSWER_BYTES) throw new Error('too long an answer')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function unanswered(error: Error, url: URL): TidemarkError {
  const [code, why] = error.name === 'AbortError' ? (['KAFKA_UNREACHABLE', 'no answer in time'] as const) : explainSocket(error)
  return new TidemarkError(code, `the token end point ${placeOf(url)} can't be asked: ${why}`)
}

/** What is no JSON object has nothing in it; the error that says so would quote it. */
function parse(body: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(body)) as Record<string, unknown>
  } catch {
    return {}
  }
}
