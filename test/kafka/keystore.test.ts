import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { TidemarkError } from '../../src/errors.ts'
import { readKeyStore } from '../../src/kafka/keystore/keystore.ts'
import { pem } from '../../src/kafka/keystore/pem.ts'
import { loadProperties } from '../../src/kafka/properties.ts'
import { Authority, convert, run } from './certificates.ts'

const folder = mkdtempSync(join(tmpdir(), 'tidemark-keystore-'))
const password = 'secret-1'
const files: Record<string, string> = {}
let authority: Authority

before(() => {
  authority = new Authority(folder)
  const client = authority.issue('client')
  const old = ['-certpbe', 'PBE-SHA1-3DES', '-keypbe', 'PBE-SHA1-3DES', '-macalg', 'sha1']
  files['openssl PKCS12'] = authority.pkcs12(client, 'modern', password)
  files['openssl PKCS12 with AES-128 and SHA-512'] = authority.pkcs12(
    client,
    'aes128',
    password,
    '-keypbe',
    'AES-128-CBC',
    '-macalg',
    'sha512',
  )
  files['openssl PKCS12 with 3DES and SHA-1'] = authority.pkcs12(client, 'old', password, ...old)
  files['openssl PKCS12 without encryption'] = authority.pkcs12(client, 'bare', password, '-certpbe', 'NONE', '-keypbe', 'NONE')
  files['keytool PKCS12'] = convert(files['openssl PKCS12'], join(folder, 'java.p12'), 'PKCS12', password)
  files['keytool JKS'] = convert(files['openssl PKCS12'], join(folder, 'java.jks'), 'JKS', password)
  files['trust PKCS12'] = authority.truststore('PKCS12', password)
  files['trust JKS'] = authority.truststore('JKS', password)
})
after(() => rmSync(folder, { recursive: true }))

const keyStores = [
  'openssl PKCS12',
  'openssl PKCS12 with AES-128 and SHA-512',
  'openssl PKCS12 with 3DES and SHA-1',
  'openssl PKCS12 without encryption',
  'keytool PKCS12',
  'keytool JKS',
]
const trustStores = ['trust PKCS12', 'trust JKS']

function bytesOf(name: string): Buffer {
  return readFileSync(files[name] as string)
}

function authorityBytes(): Buffer {
  return new X509Certificate(readFileSync(authority.certificate)).raw
}

/** All that a store gives out. */
function contentOf(bytes: Buffer): unknown {
  const { trusted, keys } = readKeyStore(bytes, password)
  return { trusted, keys: keys.map(({ chain, decrypt }) => [chain, decrypt(password)]) }
}

/** Why it can't be read; never with a password in it, and never anything but our own kind of error. */
function refusal(read: () => unknown): TidemarkError {
  try {
    read()
  } catch (error) {
    assert.ok(error instanceof TidemarkError, String(error))
    assert.equal(error.code, 'USAGE')
    assert.doesNotMatch(error.message, /secret/)
    return error
  }
  return assert.fail('it was read')
}

for (const name of keyStores) {
  describe(`a key store written by ${name}`, () => {
    it('gives the key and its chain', () => {
      const { trusted, keys } = readKeyStore(bytesOf(name), password)
      assert.equal(trusted.length, 0)
      assert.equal(keys.length, 1)
      const { chain = [], decrypt } = keys[0] ?? {}
      assert.equal(chain.length, 2)
      const [own, issuer] = chain.map((each) => new X509Certificate(each))
      assert.match(own?.subject ?? '', /CN=client/)
      assert.deepEqual(issuer?.raw, authorityBytes())
      const key = createPrivateKey({ key: decrypt?.(password) ?? '', format: 'der', type: 'pkcs8' })
      assert.ok(own?.checkPrivateKey(key))
    })

    it('is refused with a wrong password', () => {
      assert.match(refusal(() => readKeyStore(bytesOf(name), 'secret-2')).message, /password is wrong/)
    })
  })
}

for (const name of trustStores) {
  describe(`a trust store written by keytool as ${name}`, () => {
    it('gives the certificates', () => {
      assert.deepEqual(readKeyStore(bytesOf(name), password), { trusted: [authorityBytes()], keys: [] })
    })

    it('is refused with a wrong password', () => {
      assert.match(refusal(() => readKeyStore(bytesOf(name), 'secret-2')).message, /password is wrong/)
    })
  })
}

describe('a damaged key store', () => {
  for (const name of [...keyStores, ...trustStores]) {
    it(`is never taken for a whole one: ${name}, cut off anywhere`, () => {
      const whole = bytesOf(name)
      for (let length = 0; length < whole.length; length += length < 60 ? 1 : 23) {
        refusal(() => readKeyStore(whole.subarray(0, length), password))
      }
    })

    it(`is never taken for a whole one: ${name}, with other bytes in it`, () => {
      const whole = bytesOf(name)
      for (let at = 0; at < whole.length; at += 37) {
        const bytes = Buffer.from(whole)
        bytes.writeUInt8(whole.readUInt8(at) ^ 0x41, at)
        try {
          // Where the change is in what says nothing.
          assert.deepEqual(contentOf(bytes), contentOf(whole), `byte ${at}`)
        } catch (error) {
          assert.ok(error instanceof TidemarkError, `byte ${at}: ${String(error)}`)
        }
      }
    })
  }
})

describe('what is no key store that can be read', () => {
  for (const [what, bytes] of [
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('secret: this is no key store at all')],
    ['zeros', Buffer.alloc(1000)],
    ['a huge length', Buffer.from('3084ffffffff', 'hex')],
    ['a JKS header alone', Buffer.from('feedfeed00000002ffffffff', 'hex')],
  ] as const) {
    it(`says so of ${what}`, () => {
      assert.match(refusal(() => readKeyStore(bytes, password)).message, /damaged or truncated, or no key store at all/)
    })
  }

  it('says so of PEM, and what to do', () => {
    assert.match(refusal(() => readKeyStore(readFileSync(authority.certificate), password)).message, /it is PEM\. Set its type/)
  })

  it('names the format JCEKS', () => {
    const path = authority.truststore('JCEKS', password)
    assert.match(refusal(() => readKeyStore(readFileSync(path), password)).message, /the format JCEKS.*keytool -importkeystore/)
  })

  it('names RC2-40, and after the conversion that it proposes the store is read', () => {
    const old = join(folder, 'rc2.p12')
    // As Java wrote them up to 8u301 and 11.0.12.
    const legacy = '-J-Dkeystore.pkcs12.legacy'
    convert(files['openssl PKCS12'] as string, old, 'PKCS12', password, legacy)
    const { message } = refusal(() => readKeyStore(readFileSync(old), password))
    assert.match(message, /RC2-40.*keytool -importkeystore .*-deststoretype PKCS12/)
    const converted = convert(old, join(folder, 'converted.p12'), 'PKCS12', password)
    assert.equal(readKeyStore(readFileSync(converted), password).keys.length, 1)
  })

  it('names RC2-40 of openssl -legacy too', () => {
    const path = join(folder, 'legacy.p12')
    run('openssl', 'pkcs12', '-export', '-legacy', '-nokeys', '-in', authority.certificate, '-out', path, '-passout', `pass:${password}`)
    assert.match(refusal(() => readKeyStore(readFileSync(path), password)).message, /RC2-40/)
  })
})

it('PEM has no empty line, which OpenSSL would not read, however many bytes there are', () => {
  for (let length = 1; length < 200; length++) {
    const der = Buffer.alloc(length, length)
    const [begin, ...lines] = pem('CERTIFICATE', der).split('\n')
    assert.deepEqual([begin, lines.pop(), lines.pop()], ['-----BEGIN CERTIFICATE-----', '', '-----END CERTIFICATE-----'])
    assert.ok(lines.every((line) => line.length > 0 && line.length <= 64))
    assert.deepEqual(Buffer.from(lines.join(''), 'base64'), der)
  }
})

describe('what a properties file may not name', () => {
  const refused = async (...lines: string[]): Promise<TidemarkError> => {
    const path = join(folder, 'client.properties')
    writeFileSync(path, ['security.protocol=SSL', ...lines].join('\n'))
    return loadProperties(path).then(
      () => assert.fail('it was taken'),
      (error: TidemarkError) => error,
    )
  }
  const named = (kind: string, path: string): string[] => [`ssl.${kind}.location=${path}`, `ssl.${kind}.password=${password}`]

  it('is a trust store in which Java trusts nothing: openssl does not mark certificates as trusted', async () => {
    const path = join(folder, 'unmarked.p12')
    run('openssl', 'pkcs12', '-export', '-nokeys', '-in', authority.certificate, '-out', path, '-passout', `pass:${password}`)
    assert.match(
      (await refused(...named('truststore', path))).message,
      /unmarked\.p12 holds no certificate that is trusted.*keytool -importcert/,
    )
  })

  it('is a key store without a key, or with several', async () => {
    assert.match((await refused(...named('keystore', files['trust JKS'] as string))).message, /trust\.jks holds no key/)
    const path = join(folder, 'several.jks')
    for (const name of ['openssl PKCS12', 'openssl PKCS12 with 3DES and SHA-1']) convert(files[name] as string, path, 'JKS', password)
    assert.match((await refused(...named('keystore', path))).message, /several\.jks holds several keys.*-srcalias/)
  })

  it('is a store with a wrong password, of which it says whether it is the store or its key', async () => {
    const store = files['keytool JKS'] as string
    const ofStore = await refused(`ssl.keystore.location=${store}`, 'ssl.keystore.password=secret-2')
    assert.match(ofStore.message, /ssl\.keystore\.location .*java\.jks \(ssl\.keystore\.password\): its password is wrong/)
    const ofKey = await refused(...named('keystore', store), 'ssl.key.password=secret-2')
    assert.match(ofKey.message, /the key in ssl\.keystore\.location .*java\.jks \(ssl\.key\.password\): its password is wrong/)
    assert.doesNotMatch(`${ofStore.message}${ofKey.message}`, /secret/)
  })
})

describe('passwords', () => {
  it('are not needed for the certificates in a JKS file, as in Java', () => {
    assert.deepEqual(readKeyStore(bytesOf('trust JKS'), undefined).trusted, [authorityBytes()])
  })

  it('are asked for where a PKCS #12 file is encrypted', () => {
    assert.match(refusal(() => readKeyStore(bytesOf('trust PKCS12'), undefined)).message, /no password is given/)
  })

  it('may be another for the key than for the store', () => {
    const path = join(folder, 'two.jks')
    convert(files['keytool PKCS12'] as string, path, 'JKS', password, '-srcalias', 'modern', '-destkeypass', 'secret-key')
    const [key] = readKeyStore(readFileSync(path), password).keys
    assert.match(refusal(() => key?.decrypt(password)).message, /password is wrong/)
    assert.equal(createPrivateKey({ key: key?.decrypt('secret-key') ?? '', format: 'der', type: 'pkcs8' }).type, 'private')
  })
})
