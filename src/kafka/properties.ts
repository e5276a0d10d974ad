import { TidemarkError } from '../errors.ts'
import type { ConnectionSettings } from './link.ts'
import { readProperties } from './properties-text.ts'
import { readSasl } from './sasl.ts'
import { readText, readTls } from './tls.ts'

/** What a properties file says about reaching a cluster. */
export interface KafkaProperties extends Pick<ConnectionSettings, 'tls' | 'sasl'> {
  readonly bootstrapServers: string | undefined
  readonly clientId: string | undefined
  readonly timeoutMs: number | undefined
}

/**
 * Reads a Java client's properties file (`--command-config`). What it says of other things than connecting is ignored.
 * @throws TidemarkError USAGE for a file that can't be read, and for what is not supported; never with a secret in it
 */
export async function loadProperties(path: string): Promise<KafkaProperties> {
  const properties = readProperties(await readText(path, 'properties file'), path)
  const protocol = (properties.get('security.protocol') ?? 'PLAINTEXT').toUpperCase()
  if (!/^(SASL_)?(PLAINTEXT|SSL)$/.test(protocol)) {
    throw new TidemarkError('USAGE', `${path}: security.protocol is ${protocol}`, {
      hint: 'It is PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL',
    })
  }
  return {
    bootstrapServers: properties.get('bootstrap.servers'),
    clientId: properties.get('client.id'),
    timeoutMs: readTimeout(properties.get('request.timeout.ms'), path),
    ...(protocol.endsWith('SSL') ? { tls: await readTls(properties, path) } : {}),
    ...(protocol.startsWith('SASL_') ? { sasl: await readSasl(properties, path) } : {}),
  }
}

function readTimeout(text: string | undefined, path: string): number | undefined {
  if (text === undefined) return undefined
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new TidemarkError('USAGE', `${path}: request.timeout.ms is ${JSON.stringify(text)}`, {
    hint: 'It is a whole number of milliseconds',
  })
}
