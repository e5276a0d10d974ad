import { TidemarkError } from '../errors.ts'
import type { ConnectionSettings } from './link.ts'

const MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const

/**
 * User name, password and mechanism out of a Java client's properties.
 * @throws TidemarkError USAGE for other mechanisms, and where no user and password are named; never with either in it
 */
export function readSasl(properties: ReadonlyMap<string, string>, path: string): NonNullable<ConnectionSettings['sasl']> {
  // Java's default, and it means Kerberos.
  const wanted = properties.get('sasl.mechanism') ?? 'GSSAPI'
  const mechanism = MECHANISMS.find((name) => name === wanted)
  if (mechanism === undefined) {
    throw new TidemarkError('USAGE', `${path}: not yet: sasl.mechanism ${wanted}`, { hint: `Those that work are ${MECHANISMS.join(', ')}` })
  }
  const { username, password } = readJaas(properties.get('sasl.jaas.config') ?? '')
  if (username === undefined || password === undefined) {
    throw new TidemarkError('USAGE', `${path}: sasl.jaas.config names no username and password`, {
      hint: 'It reads like: org.apache.kafka.common.security.plain.PlainLoginModule required username="…" password="…";',
    })
  }
  return { mechanism, username, password }
}

/** The options of one login module: `module flag name="value" …;` with either kind of quotes, or none. */
function readJaas(text: string): Record<string, string | undefined> {
  const option = /([\w.]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s;"']+))/gs
  const options: Record<string, string> = {}
  for (const [, name = '', double, single, bare] of text.matchAll(option)) {
    options[name] = bare ?? (double ?? single ?? '').replaceAll(/\\(.)/gs, '$1')
  }
  return options
}
