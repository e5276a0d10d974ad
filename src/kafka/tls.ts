import { readFile } from 'node:fs/promises'
import type { ConnectionOptions } from 'node:tls'
import { TidemarkError } from '../errors.ts'
import type { KeyStore } from './keystore/keystore.ts'
import { pem } from './keystore/pem.ts'

type Kind = 'ssl.truststore' | 'ssl.keystore'

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const

type Properties = ReadonlyMap<string, string>

/**
 * Certificates and keys out of a Java client's properties: PEM, JKS and PKCS #12 files, or PEM texts in the properties themselves.
 * @throws TidemarkError USAGE for what can't be read or used, saying why; never with a key or a password in it
 */
export async function readTls(properties: Properties, path: string): Promise<ConnectionOptions> {
  const options: ConnectionOptions = {
    ...(await readTrusted(properties, path)),
    ...(await readOwn(properties, path)),
    ...readVersions(properties, path),
    // Empty is how Java clients are told not to compare the certificate's name with the host's.
    ...(properties.get('ssl.endpoint.identification.algorithm') === '' ? { checkServerIdentity: () => undefined } : {}),
  }
  try {
    // Tried here, where it is one clear error and not one per connection.
    process.getBuiltinModule('node:tls').createSecureContext(options)
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
  return (await readBytes(path, what)).toString('utf8')
}

async function readBytes(path: string, what: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (error) {
    throw new TidemarkError('USAGE', `the ${what} ${path} can't be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown error'}`)
  }
}

/** The versions of TLS that may be spoken, where the properties name them. */
function readVersions(properties: Properties, path: string): ConnectionOptions {
  const named = properties.get('ssl.enabled.protocols')
  if (named === undefined) return {}
  const [lowest, highest = lowest] = VERSIONS.filter((version) => named.split(',').some((each) => each.trim() === version))
  if (lowest !== undefined && highest !== undefined) return { minVersion: lowest, maxVersion: highest }
  throw new TidemarkError('USAGE', `${path}: ssl.enabled.protocols names none of ${VERSIONS.join(', ')}`)
}

/** Whom to trust: nobody named is whom Node trusts. */
async function readTrusted(properties: Properties, path: string): Promise<ConnectionOptions> {
  const kind = 'ssl.truststore'
  const inline = properties.get(`${kind}.certificates`)
  const location = properties.get(`${kind}.location`)
  // In Java each certificate that is named is trusted by itself, whoever issued it.
  const anchors = { allowPartialTrustChain: true }
  if (inline !== undefined) return { ca: inline, ...anchors }
  if (location === undefined) return {}
  if (typeOf(properties, kind, path) === 'PEM') return { ca: await readText(location, `${kind}.location`), ...anchors }
  const { trusted, keys } = await readStore(properties, kind, location, path)
  const ca = [...trusted, ...keys.flatMap(({ chain }) => chain.slice(0, 1))].map((each) => pem('CERTIFICATE', each))
  if (ca.length > 0) return { ca, ...anchors }
  throw new TidemarkError('USAGE', `${path}: ${kind}.location ${location} holds no certificate that is trusted`, {
    hint: 'Java trusts those that were put there with keytool -importcert, or by openssl pkcs12 -export -jdktrust anyExtendedKeyUsage',
  })
}

/** The key to show who we are, with its certificates. */
async function readOwn(properties: Properties, path: string): Promise<ConnectionOptions> {
  const kind = 'ssl.keystore'
  const keyPassword = properties.get('ssl.key.password')
  const [key, chain] = [properties.get(`${kind}.key`), properties.get(`${kind}.certificate.chain`)]
  const location = properties.get(`${kind}.location`)
  const isPem = location !== undefined && typeOf(properties, kind, path) === 'PEM'
  if (location === undefined || isPem) {
    const text = location === undefined ? undefined : await readText(location, `${kind}.location`)
    return { ...defined('cert', chain ?? text), ...defined('key', key ?? text), ...defined('passphrase', keyPassword) }
  }
  const [entry, another] = (await readStore(properties, kind, location, path)).keys
  if (entry === undefined || another !== undefined) {
    throw new TidemarkError('USAGE', `${path}: ${kind}.location ${location} holds ${entry === undefined ? 'no key' : 'several keys'}`, {
      hint: 'It must hold one: keytool -list shows them, keytool -importkeystore -srcalias copies one',
    })
  }
  const password = keyPassword ?? properties.get(`${kind}.password`)
  const secret = keyPassword === undefined ? `${kind}.password` : 'ssl.key.password'
  const decrypted = about(`${path}: the key in ${kind}.location ${location} (${secret})`, () => entry.decrypt(password ?? ''))
  return { cert: entry.chain.map((each) => pem('CERTIFICATE', each)).join(''), key: pem('PRIVATE KEY', decrypted) }
}

function typeOf(properties: Properties, kind: Kind, path: string): 'JKS' | 'PKCS12' | 'PEM' {
  const type = (properties.get(`${kind}.type`) ?? 'JKS').toUpperCase()
  if (type === 'JKS' || type === 'PKCS12' || type === 'PEM') return type
  throw new TidemarkError('USAGE', `${path}: ${kind}.type ${type} is not supported`, { hint: 'Those that are: PKCS12, JKS, PEM' })
}

async function readStore(properties: Properties, kind: Kind, location: string, path: string): Promise<KeyStore> {
  const bytes = await readBytes(location, `${kind}.location`)
  const { readKeyStore } = await import('./keystore/keystore.ts')
  return about(`${path}: ${kind}.location ${location} (${kind}.password)`, () => readKeyStore(bytes, properties.get(`${kind}.password`)))
}

/** What goes wrong with a file says which file. */
function about<T>(what: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error
    throw new TidemarkError(error.code, `${what}: ${error.what}`, { hint: error.hint })
  }
}

function defined(name: keyof ConnectionOptions, value: string | undefined): ConnectionOptions {
  return value === undefined ? {} : { [name]: value }
}
