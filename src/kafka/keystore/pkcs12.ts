import { X509Certificate } from 'node:crypto'
import { TidemarkError } from '../../errors.ts'
import { Der } from './der.ts'
import { damaged, unsupported } from './fault.ts'
import type { KeyEntry, KeyStore } from './keystore.ts'
import { decipher, verifyMac } from './pbe.ts'

const DATA = '1.2.840.113549.1.7.1'
const ENCRYPTED_DATA = '1.2.840.113549.1.7.6'
const BAGS = {
  key: '1.2.840.113549.1.12.10.1.1',
  encryptedKey: '1.2.840.113549.1.12.10.1.2',
  certificate: '1.2.840.113549.1.12.10.1.3',
} as const
const FRIENDLY_NAME = '1.2.840.113549.1.9.20'
const LOCAL_KEY_ID = '1.2.840.113549.1.9.21'
/** Java's mark of a certificate that is trusted, and not just part of a key's chain. */
const TRUSTED_KEY_USAGE = '2.16.840.1.113894.746875.1.1'

interface Bag {
  readonly id: string
  readonly value: Der
  /** By object identifier. */
  readonly attributes: ReadonlyMap<string, Der>
}

/**
 * A PKCS #12 file (RFC 7292) as Java writes and reads it: without the password what is encrypted can't be had, and the checksum not be compared.
 * @throws TidemarkError USAGE saying why it can't be read
 */
export function readPkcs12(bytes: Buffer, password: string | undefined): KeyStore {
  const file = Der.first(bytes)
  if (file.field(0).integer() !== 3) throw damaged()
  const content = dataIn(file.field(1))
  const macData = file.children[2]
  if (password !== undefined && macData !== undefined) verifyMac(macData, content, password)
  const bags = Der.first(content).children.flatMap((part) => bagsIn(part, password))
  const certificates = bags.filter(({ id }) => id === BAGS.certificate)
  return {
    trusted: certificates.filter(({ attributes }) => attributes.has(TRUSTED_KEY_USAGE)).map(certificateIn),
    keys: bags.filter(({ id }) => id === BAGS.key || id === BAGS.encryptedKey).map((bag) => keyEntry(bag, certificates)),
  }
}

function dataIn(part: Der): Buffer {
  const kind = part.field(0).oid()
  if (kind !== DATA) throw unsupported(`content of the kind ${kind}`)
  return part.field(1).field(0).octets()
}

function bagsIn(part: Der, password: string | undefined): Bag[] {
  const isEncrypted = part.field(0).oid() === ENCRYPTED_DATA
  const content = isEncrypted ? decrypted(part.field(1).field(0).field(1), password) : dataIn(part)
  return Der.first(content).children.map(readBag)
}

/** An EncryptedContentInfo: what kind of content, by which algorithm, and the content. */
function decrypted(content: Der, password: string | undefined): Buffer {
  if (password === undefined) throw new TidemarkError('USAGE', 'it is encrypted, and no password is given')
  return decipher(content.field(1), content.field(2).content, password)
}

function readBag(bag: Der): Bag {
  const attributes = bag.children[2]?.children ?? []
  return {
    id: bag.field(0).oid(),
    value: bag.field(1).field(0),
    attributes: new Map(attributes.map((attribute) => [attribute.field(0).oid(), attribute.field(1)])),
  }
}

function certificateIn({ value }: Bag): Buffer {
  return value.field(1).field(0).octets()
}

function keyEntry({ id, value, attributes }: Bag, certificates: readonly Bag[]): KeyEntry {
  const keyId = keyIdIn(attributes)
  const own = certificates.find((each) => keyIdIn(each.attributes) === keyId)
  return {
    alias: attributes.get(FRIENDLY_NAME)?.field(0).text() ?? '',
    chain: own === undefined ? [] : chainOf(certificateIn(own), certificates.map(certificateIn)),
    decrypt: (password) => (id === BAGS.key ? value.bytes : decipher(value.field(0), value.field(1).octets(), password)),
  }
}

function keyIdIn(attributes: ReadonlyMap<string, Der>): string | undefined {
  return attributes.get(LOCAL_KEY_ID)?.field(0).octets().toString('hex')
}

/** The certificate, the one that it was issued by, and so on: which certificates belong together the file does not say. */
function chainOf(own: Buffer, all: readonly Buffer[]): Buffer[] {
  const chain = [new X509Certificate(own)]
  const others = all.map((bytes) => new X509Certificate(bytes))
  for (let last: X509Certificate | undefined = chain[0]; last !== undefined;) {
    const current: X509Certificate = last
    last = others.find((each) => current.checkIssued(each) && !chain.some(({ fingerprint256 }) => fingerprint256 === each.fingerprint256))
    if (last !== undefined) chain.push(last)
  }
  return chain.map(({ raw }) => raw)
}
