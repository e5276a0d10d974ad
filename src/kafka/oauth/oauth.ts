import { fileURLToPath } from 'node:url'
import { TidemarkError } from '../../errors.ts'
import type { JaasOptions } from '../jaas.ts'
import type { ConnectionSettings } from '../link.ts'
import { readText, readTls } from '../tls.ts'
import { placeOf, requestToken, sendable, type TokenEndpoint } from './endpoint.ts'
import { renewed } from './tokens.ts'
import { unsecuredTokens } from './unsecured.ts'

type Properties = ReadonlyMap<string, string>
type Sasl = NonNullable<ConnectionSettings['sasl']>

const HANDLER = 'sasl.login.callback.handler.class'
const ENDPOINT = 'sasl.oauthbearer.token.endpoint.url'
const RETRIEVER = 'sasl.oauthbearer.jwt.retriever.class'

/** Java's classes that are known here by what they do; an older package of Java's had the first of them too. */
const FROM_ENDPOINT = /^org\.apache\.kafka\.common\.security\.oauthbearer\.(secured\.)?OAuthBearerLoginCallbackHandler$/
const UNSECURED = /^org\.apache\.kafka\.common\.security\.oauthbearer\.([a-z]+\.)*OAuthBearerUnsecuredLoginCallbackHandler$/
const RETRIEVERS = /^org\.apache\.kafka\.common\.security\.oauthbearer\.(Default|ClientCredentials|File)JwtRetriever$/

/**
 * OAUTHBEARER (KIP-255, KIP-768): tokens by client credentials from an end point, out of a file, or unsigned ones for development.
 * @throws TidemarkError USAGE for what is missing or not supported; never with a secret in it
 */
export async function readOauth(properties: Properties, jaas: JaasOptions, path: string): Promise<Sasl> {
  const handler = properties.get(HANDLER)
  const isUnsecured = handler === undefined || UNSECURED.test(handler)
  if (!isUnsecured && !FROM_ENDPOINT.test(handler)) throw new TidemarkError('USAGE', `${path}: ${HANDLER} ${handler} is not supported`)
  const prefix = isUnsecured ? 'unsecuredLoginExtension_' : 'extension_'
  return {
    mechanism: 'OAUTHBEARER',
    token: isUnsecured ? unsecured(jaas, path) : await fromEndpoint(properties, jaas, path),
    oauthBearerExtensions: readExtensions(jaas, prefix, path),
    authBytesValidator: (answer, callback) => {
      const refusal = refusalIn(answer)
      if (refusal === undefined) callback(null, answer)
      else callback(refusal, answer)
    },
  }
}

function unsecured(jaas: JaasOptions, path: string): () => string {
  const make = unsecuredTokens(jaas, path)
  return () => make(Date.now())
}

async function fromEndpoint(properties: Properties, jaas: JaasOptions, path: string): Promise<() => Promise<string>> {
  const retriever = properties.get(RETRIEVER)
  if (retriever !== undefined && !RETRIEVERS.test(retriever))
    throw new TidemarkError('USAGE', `${path}: ${RETRIEVER} ${retriever} is not supported`)
  const url = readUrl(properties.get(ENDPOINT), path)
  // Read each time: whoever writes it renews the token.
  if (url.protocol === 'file:') return async () => sendable((await readText(fileURLToPath(url), ENDPOINT)).trim(), url)
  const clientId = properties.get('sasl.oauthbearer.client.credentials.client.id') ?? jaas['clientId']
  const clientSecret = properties.get('sasl.oauthbearer.client.credentials.client.secret') ?? jaas['clientSecret']
  if (clientId === undefined || clientSecret === undefined) {
    throw new TidemarkError('USAGE', `${path}: sasl.jaas.config names no clientId and clientSecret`, {
      hint: 'It reads like: org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required clientId="…" clientSecret="…";',
    })
  }
  const endpoint: TokenEndpoint = {
    url,
    clientId,
    clientSecret,
    scope: properties.get('sasl.oauthbearer.scope') ?? jaas['scope'],
    isUrlEncoded: properties.get('sasl.oauthbearer.header.urlencode') === 'true',
    // As in Java, whom to trust there is said in sasl.jaas.config, in the words of the properties.
    tls: await readTls(new Map(Object.entries(jaas).map(([name, value = '']) => [name, value])), `${path}: sasl.jaas.config`),
  }
  return renewed(() => requestToken(endpoint))
}

function readUrl(text: string | undefined, path: string): URL {
  if (text === undefined) throw new TidemarkError('USAGE', `${path}: ${ENDPOINT} is not set`)
  const url = URL.parse(text)
  if (url === null || !/^(https?|file):$/.test(url.protocol)) {
    throw new TidemarkError('USAGE', `${path}: ${ENDPOINT} is no URL of the kind https: or file:`)
  }
  if (url.protocol === 'http:' && !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)) {
    throw new TidemarkError('USAGE', `${path}: ${ENDPOINT} ${placeOf(url)} would be sent the client's secret unencrypted`, {
      hint: 'Use https:; http: is for this machine alone',
    })
  }
  return url
}

/** What goes beside the token (KIP-342). */
function readExtensions(jaas: JaasOptions, prefix: string, path: string): Record<string, string> {
  const extensions: Record<string, string> = {}
  for (const [option, value = ''] of Object.entries(jaas)) {
    if (!option.startsWith(prefix)) continue
    const name = option.slice(prefix.length)
    if (!/^[A-Za-z]+$/.test(name) || name === 'auth' || !/^[\x20-\x7e\t\r\n]*$/.test(value))
      throw new TidemarkError('USAGE', `${path}: ${option} in sasl.jaas.config can't be an extension`)
    extensions[name] = value
  }
  return extensions
}

/** A broker that refuses a token answers why, as JSON, before it refuses (RFC 7628, section 3.2.2); one that accepts it answers with nothing. */
function refusalIn(answer: Buffer): TidemarkError | undefined {
  if (answer.length === 0) return undefined
  const [, status] = /"status"\s*:\s*"([a-z_]{1,40})"/.exec(answer.toString('utf8')) ?? []
  return new TidemarkError('KAFKA_DENIED', `the broker refused the token${status === undefined ? '' : ` (${status})`}`)
}
