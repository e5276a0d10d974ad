import { TidemarkError } from '../../errors.ts'
import { damaged, unsupported } from './fault.ts'
import { readJks } from './jks.ts'
import { readPkcs12 } from './pkcs12.ts'

/** What a Java key store or trust store holds. Certificates are X.509 in DER. */
export interface KeyStore {
  /** Certificates that are trusted. */
  readonly trusted: readonly Buffer[]
  readonly keys: readonly KeyEntry[]
}

/** A private key with its certificate, and the certificates that vouch for that. */
export interface KeyEntry {
  readonly alias: string
  readonly chain: readonly Buffer[]
  /** The private key as PKCS #8 in DER. @throws TidemarkError USAGE for a wrong password */
  readonly decrypt: (password: string) => Buffer
}

/**
 * A JKS or PKCS #12 file; which of them, its first bytes say and not its name or type: Java takes either for the other.
 * @throws TidemarkError USAGE saying why it can't be read; never with a password or a key in it
 */
export function readKeyStore(bytes: Buffer, password: string | undefined): KeyStore {
  const magic = bytes.toString('hex', 0, 4)
  if (magic === 'cececece') throw unsupported('the format JCEKS')
  if (bytes.toString('latin1', 0, 10) === '-----BEGIN') throw new TidemarkError('USAGE', 'it is PEM', { hint: 'Set its type to PEM' })
  try {
    return magic === 'feedfeed' ? readJks(bytes, password) : readPkcs12(bytes, password)
  } catch (error) {
    // Of a certificate in it that is none.
    throw error instanceof TidemarkError ? error : damaged()
  }
}
