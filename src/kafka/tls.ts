import { readFile } from 'node:fs/promises'
import { createSecureContext, type ConnectionOptions } from 'node:tls'
import { TidemarkError } from '../errors.ts'

type Store = 'ssl.truststore' | 'ssl.keystore'

/**
 * Certificates and keys out of a Java client's properties: PEM files, or PEM texts in the properties themselves.
 * @throws TidemarkError USAGE for Java's own kinds of key stores, and for PEM that can't be read; never with a key or a password in it
 */
export async function readTls(properties: ReadonlyMap<string, string>, path: string): Promise<ConnectionOptions> {
  const trusted = properties.get('ssl.truststore.certificates') ?? (await readStore(properties, 'ssl.truststore', path))
  const own = await readStore(properties, 'ssl.keystore', path)
  const options: ConnectionOptions = {
    ...defined('ca', trusted),
    ...defined('cert', properties.get('ssl.keystore.certificate.chain') ?? own),
    ...defined('key', properties.get('ssl.keystore.key') ?? own),
    ...defined('passphrase', properties.get('ssl.key.password')),
    // Empty is how Java clients are told not to compare the certificate's name with the host's.
    ...(properties.get('ssl.endpoint.identification.algorithm') === '' ? { checkServerIdentity: () => undefined } : {}),
  }
  try {
    // Tried here, where it is one clear error and not one per connection.
    createSecureContext(options)
  } catch (error) {
    throw new TidemarkError(
      'USAGE',
      `${path}: its certificates or key can't be used: ${(error as NodeJS.ErrnoException).code ?? 'not PEM'}`,
    )
  }
  return options
}

/**
 * A file that the user named, as text.
 * @throws TidemarkError USAGE naming it and why it can't be read
 */
export async function readText(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new TidemarkError('USAGE', `the ${what} ${path} can't be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown error'}`)
  }
}

async function readStore(properties: ReadonlyMap<string, string>, store: Store, path: string): Promise<string | undefined> {
  const location = properties.get(`${store}.location`)
  if (location === undefined) return undefined
  const type = (properties.get(`${store}.type`) ?? 'JKS').toUpperCase()
  if (type !== 'PEM') {
    throw new TidemarkError('USAGE', `${path}: not yet: ${store}.type ${type}`, { hint: `Convert it to PEM and set ${store}.type=PEM` })
  }
  return readText(location, `${store}.location`)
}

function defined(name: keyof ConnectionOptions, value: string | undefined): ConnectionOptions {
  return value === undefined ? {} : { [name]: value }
}
