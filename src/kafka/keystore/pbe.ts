import { createDecipheriv, createHash, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto'
import type { Der } from './der.ts'
import { damaged, unsupported, wrongPassword } from './fault.ts'

const PBES2 = '1.2.840.113549.1.5.13'
const PBKDF2 = '1.2.840.113549.1.5.12'
const PBE_SHA1_3DES = '1.2.840.113549.1.12.1.3'
const SEQUENCE = 0x30
/** As many as Java accepts. */
const MAX_ITERATIONS = 5_000_000

interface Cipher {
  readonly name: string
  readonly keyBytes: number
}

const CIPHERS: Readonly<Record<string, Cipher>> = {
  '2.16.840.1.101.3.4.1.2': { name: 'aes-128-cbc', keyBytes: 16 },
  '2.16.840.1.101.3.4.1.22': { name: 'aes-192-cbc', keyBytes: 24 },
  '2.16.840.1.101.3.4.1.42': { name: 'aes-256-cbc', keyBytes: 32 },
  '1.2.840.113549.3.7': { name: 'des-ede3-cbc', keyBytes: 24 },
}

const PRFS: Readonly<Record<string, string>> = {
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.8': 'sha224',
  '1.2.840.113549.2.9': 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
}

const DIGESTS: Readonly<Record<string, string>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
  '2.16.840.1.101.3.4.2.4': 'sha224',
}

/** What older programs write, and OpenSSL 3 has put away. */
const NAMES: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.12.1.1': 'RC4-128',
  '1.2.840.113549.1.12.1.2': 'RC4-40',
  '1.2.840.113549.1.12.1.4': 'two-key 3DES',
  '1.2.840.113549.1.12.1.5': 'RC2-128',
  '1.2.840.113549.1.12.1.6': 'RC2-40',
  '1.2.840.113549.1.5.14': 'PBMAC1',
}

/**
 * Deciphers bytes by a password as an AlgorithmIdentifier says: PBES2 (RFC 8018), or SHA-1 with 3DES (RFC 7292).
 * @throws TidemarkError USAGE for other algorithms, naming them, and for a wrong password
 */
export function decipher(algorithm: Der, bytes: Buffer, password: string): Buffer {
  const { cipher, key, iv } = cipherOf(algorithm, password)
  try {
    const deciphering = createDecipheriv(cipher, key, iv)
    return Buffer.concat([deciphering.update(bytes), deciphering.final()])
  } catch {
    throw wrongPassword()
  }
}

/**
 * Compares the checksum of a PKCS #12 file's content (RFC 7292, section 4).
 * @throws TidemarkError USAGE where it is another
 */
export function verifyMac(macData: Der, content: Buffer, password: string): void {
  const digest = known(DIGESTS, macData.field(0).field(0).field(0).oid())
  const salt = macData.field(1).octets()
  const rounds = macData.children.length > 2 ? iterations(macData.field(2)) : 1
  const expected = macData.field(0).field(1).octets()
  const key = deriveKey(digest, 3, password, salt, rounds, expected.length)
  const actual = createHmac(digest, key).update(content).digest()
  if (actual.length !== expected.length || !timingSafeEqual(actual, expected)) throw wrongPassword()
}

function cipherOf(algorithm: Der, password: string): { cipher: string; key: Buffer; iv: Buffer } {
  const id = algorithm.field(0).oid()
  if (id !== PBES2 && id !== PBE_SHA1_3DES) throw unsupported(NAMES[id] ?? `the algorithm ${id}`)
  const parameters = algorithm.field(1)
  if (id === PBES2) return pbes2(parameters, password)
  const [salt, rounds] = [parameters.field(0).octets(), iterations(parameters.field(1))]
  const derive = (purpose: number, size: number): Buffer => deriveKey('sha1', purpose, password, salt, rounds, size)
  return { cipher: 'des-ede3-cbc', key: derive(1, 24), iv: derive(2, 8) }
}

function pbes2(parameters: Der, password: string): { cipher: string; key: Buffer; iv: Buffer } {
  const [derivation, scheme] = [parameters.field(0), parameters.field(1)]
  const { name, keyBytes } = known(CIPHERS, scheme.field(0).oid())
  const method = derivation.field(0).oid()
  if (method !== PBKDF2) throw unsupported(`the algorithm ${method}`)
  const settings = derivation.field(1)
  // Between them the key's length may stand, which the cipher says too.
  const prf = settings.children.slice(2).find(({ tag }) => tag === SEQUENCE)
  const hash = prf === undefined ? 'sha1' : known(PRFS, prf.field(0).oid())
  const key = pbkdf2Sync(password, settings.field(0).octets(), iterations(settings.field(1)), keyBytes, hash)
  return { cipher: name, key, iv: scheme.field(1).octets() }
}

function known<T>(table: Readonly<Record<string, T>>, id: string): T {
  const found = table[id]
  if (found === undefined) throw unsupported(NAMES[id] ?? `the algorithm ${id}`)
  return found
}

function iterations(element: Der): number {
  const count = element.integer()
  if (count < 1 || count > MAX_ITERATIONS) throw damaged()
  return count
}

/** RFC 7292, appendix B.2; the purpose is 1 for a key, 2 for an initial vector, 3 for a checksum. */
function deriveKey(hash: string, purpose: number, password: string, salt: Buffer, rounds: number, size: number): Buffer {
  const block = hash === 'sha384' || hash === 'sha512' ? 128 : 64
  const characters = Buffer.from(`${password}\0`, 'utf16le').swap16()
  const diversifier = Buffer.alloc(block, purpose)
  const input = Buffer.concat([repeated(salt, block), repeated(characters, block)])
  const derived: Buffer[] = []
  for (let bytes = 0; bytes < size;) {
    let digest = createHash(hash).update(diversifier).update(input).digest()
    for (let round = 1; round < rounds; round++) digest = createHash(hash).update(digest).digest()
    derived.push(digest)
    bytes += digest.length
    const addend = Buffer.alloc(block, digest)
    for (let at = 0; at < input.length; at += block) addOneMore(input.subarray(at, at + block), addend)
  }
  return Buffer.concat(derived).subarray(0, size)
}

/** Repeated up to whole blocks; nothing stays nothing. */
function repeated(bytes: Buffer, block: number): Buffer {
  const size = Math.ceil(bytes.length / block) * block
  return size === 0 ? Buffer.alloc(0) : Buffer.alloc(size, bytes)
}

/** Adds the addend and one to a number of as many bytes, and lets what is beyond them go. */
function addOneMore(number: Buffer, addend: Buffer): void {
  let carry = 1
  for (let at = number.length - 1; at >= 0; at--) {
    const sum = number.readUInt8(at) + addend.readUInt8(at) + carry
    number.writeUInt8(sum & 0xff, at)
    carry = sum >> 8
  }
}
