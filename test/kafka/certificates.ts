import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Whatever openssl and keytool say on stderr is shown with the failure, and not while all is well. */
export function run(command: 'openssl' | 'keytool', ...args: string[]): void {
  // A configuration of the machine's own might add to what is made.
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, OPENSSL_CONF: '/dev/null' } })
}

/** A private key in PKCS #8 and the certificate that goes with it, both PEM files. */
export interface Issued {
  readonly key: string
  readonly certificate: string
}

/** An authority that issues certificates, by the real openssl; key stores are made of them by the real keytool and openssl. */
export class Authority {
  readonly folder: string
  readonly certificate: string
  readonly #key: string
  readonly #config: string

  constructor(folder: string, name = 'ca') {
    this.folder = folder
    this.#key = join(folder, `${name}-key.pem`)
    this.certificate = join(folder, `${name}.pem`)
    newKey(this.#key)
    this.#config = join(folder, `${name}.cnf`)
    writeFileSync(this.#config, '[req]\ndistinguished_name=subject\n[subject]\n')
    const itself = ['-key', this.#key, '-out', this.certificate, '-subj', `/CN=${name}`, '-addext', 'basicConstraints=critical,CA:TRUE']
    run('openssl', 'req', '-x509', '-config', this.#config, ...itself, '-days', '2')
  }

  /** A certificate for a server at a name or address (`IP:127.0.0.1`), or for a client. */
  issue(name: string, subjectAltName = 'IP:127.0.0.1'): Issued {
    const [key, request, certificate] = ['key', 'request', 'certificate'].map((kind) => join(this.folder, `${name}-${kind}.pem`)) as [
      string,
      string,
      string,
    ]
    const extensions = join(this.folder, `${name}.ext`)
    newKey(key)
    writeFileSync(extensions, `subjectAltName=${subjectAltName}\n`)
    run('openssl', 'req', '-new', '-config', this.#config, '-key', key, '-out', request, '-subj', `/CN=${name}`)
    const issuer = ['-CA', this.certificate, '-CAkey', this.#key, '-CAcreateserial', '-days', '2']
    run('openssl', 'x509', '-req', '-in', request, '-out', certificate, ...issuer, '-extfile', extensions)
    return { key, certificate }
  }

  /** A PKCS #12 key store of key and chain, written by openssl. */
  pkcs12({ key, certificate }: Issued, name: string, password: string, ...options: string[]): string {
    const path = join(this.folder, `${name}.p12`)
    const chain = ['-certfile', this.certificate, '-name', name]
    run(
      'openssl',
      'pkcs12',
      '-export',
      '-inkey',
      key,
      '-in',
      certificate,
      ...chain,
      '-out',
      path,
      '-passout',
      `pass:${password}`,
      ...options,
    )
    return path
  }

  /** A trust store of this authority, written by keytool. */
  truststore(type: 'PKCS12' | 'JKS' | 'JCEKS', password: string): string {
    const path = join(this.folder, `trust.${type.toLowerCase()}`)
    const store = ['-keystore', path, '-storetype', type, '-storepass', password]
    run('keytool', '-importcert', '-noprompt', '-alias', 'the-ca', '-file', this.certificate, ...store)
    return path
  }
}

/** Copies a key store into one of another type, by keytool. */
export function convert(from: string, to: string, type: 'PKCS12' | 'JKS', password: string, ...options: string[]): string {
  const source = ['-srckeystore', from, '-srcstorepass', password]
  const target = ['-destkeystore', to, '-deststoretype', type, '-deststorepass', password]
  run('keytool', '-importkeystore', '-noprompt', ...source, ...target, ...options)
  return to
}

function newKey(path: string): void {
  run('openssl', 'genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', path)
}
