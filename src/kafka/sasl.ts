import { TidemarkError } from '../errors.ts'
import { readJaas, type JaasOptions } from './jaas.ts'
import type { ConnectionSettings } from './link.ts'

type Properties = ReadonlyMap<string, string>
type Sasl = NonNullable<ConnectionSettings['sasl']>

const WITH_PASSWORD = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const
const JAVA_CLASSES = ['sasl.client.callback.handler.class', 'sasl.login.callback.handler.class', 'sasl.login.class']

/**
 * Who we are and how to prove it, out of a Java client's properties.
 * @throws TidemarkError USAGE for other mechanisms, and for what is missing; never with a secret in it
 */
export async function readSasl(properties: Properties, path: string): Promise<Sasl> {
  const wanted = properties.get('sasl.mechanism')
  const jaas = readJaas(properties.get('sasl.jaas.config') ?? '')
  if (wanted === 'OAUTHBEARER') return (await import('./oauth/oauth.ts')).readOauth(properties, jaas, path)
  const mechanism = WITH_PASSWORD.find((name) => name === wanted)
  if (mechanism !== undefined) return { mechanism, ...readPassword(properties, jaas, path) }
  const what =
    wanted === undefined
      ? "sasl.mechanism is not set, and Java's default GSSAPI (Kerberos) is not supported"
      : `sasl.mechanism ${wanted}${wanted === 'GSSAPI' ? ' (Kerberos)' : ''} is not supported`
  throw new TidemarkError('USAGE', `${path}: ${what}`, { hint: `Those that are: ${WITH_PASSWORD.join(', ')}, OAUTHBEARER` })
}

function readPassword(properties: Properties, jaas: JaasOptions, path: string): { username: string; password: string } {
  const javaClass = JAVA_CLASSES.find((name) => properties.has(name))
  if (javaClass !== undefined) throw new TidemarkError('USAGE', `${path}: ${javaClass} is not supported: it names a class of Java's`)
  if (jaas['tokenauth'] === 'true') throw new TidemarkError('USAGE', `${path}: delegation tokens (tokenauth) are not supported`)
  const { username, password } = jaas
  if (username !== undefined && password !== undefined) return { username, password }
  throw new TidemarkError('USAGE', `${path}: sasl.jaas.config names no username and password`, {
    hint: 'It reads like: org.apache.kafka.common.security.plain.PlainLoginModule required username="…" password="…";',
  })
}
