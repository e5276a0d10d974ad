import { createHash, timingSafeEqual } from 'node:crypto'
import { Der } from './der.ts'
import { damaged, unsupported, wrongPassword } from './fault.ts'
import type { KeyEntry, KeyStore } from './keystore.ts'

const SUN_KEY_PROTECTION = '1.3.6.1.4.1.42.2.17.1.1'
const DIGEST_BYTES = 20
const KEY = 1
const CERTIFICATE = 2

/**
 * A Java key store of the old format: numbers and strings as DataOutputStream writes them, and a SHA-1 of it all with the password.
 * Certificates are not encrypted; without the password the checksum is not compared, as in Java.
 * @throws TidemarkError USAGE saying why it can't be read
 */
export function readJks(bytes: Buffer, password: string | undefined): KeyStore {
  const input = new Input(bytes)
  input.take(4)
  const version = input.number()
  if (version !== 1 && version !== 2) throw unsupported(`version ${version} of the JKS format`)
  const trusted: Buffer[] = []
  const keys: KeyEntry[] = []
  for (let left = input.number(); left > 0; left--) {
    const kind = input.number()
    const alias = input.text()
    input.take(8) // when it was made
    if (kind === KEY) keys.push(keyEntry(input, alias, version))
    else if (kind === CERTIFICATE) trusted.push(certificate(input, version))
    else throw damaged()
  }
  verify(bytes.subarray(0, input.at), input.take(DIGEST_BYTES), password)
  return { trusted, keys }
}

function keyEntry(input: Input, alias: string, version: number): KeyEntry {
  const protectedKey = input.bytes()
  const chain: Buffer[] = []
  for (let left = input.number(); left > 0; left--) chain.push(certificate(input, version))
  return { alias, chain, decrypt: (password) => decryptKey(protectedKey, password) }
}

function certificate(input: Input, version: number): Buffer {
  const kind = version === 1 ? 'X.509' : input.text()
  if (kind !== 'X.509') throw unsupported(`certificates of the kind ${kind}`)
  return input.bytes()
}

function verify(content: Buffer, digest: Buffer, password: string | undefined): void {
  if (password === undefined) return
  const expected = createHash('sha1').update(characters(password)).update('Mighty Aphrodite').update(content).digest()
  if (!timingSafeEqual(expected, digest)) throw wrongPassword()
}

/** Salt, the key XORed with a chain of digests that begins with it, and a digest of the key. */
function decryptKey(protectedKey: Buffer, password: string): Buffer {
  const info = Der.first(protectedKey)
  const algorithm = info.field(0).field(0).oid()
  if (algorithm !== SUN_KEY_PROTECTION) throw unsupported(`the algorithm ${algorithm}`)
  const data = info.field(1).octets()
  if (data.length < 2 * DIGEST_BYTES) throw damaged()
  const digestOf = (bytes: Buffer): Buffer => createHash('sha1').update(characters(password)).update(bytes).digest()
  const key = Buffer.from(data.subarray(DIGEST_BYTES, -DIGEST_BYTES))
  let stream = data.subarray(0, DIGEST_BYTES)
  for (const [index, byte] of key.entries()) {
    if (index % DIGEST_BYTES === 0) stream = digestOf(stream)
    key[index] = byte ^ stream.readUInt8(index % DIGEST_BYTES)
  }
  if (!timingSafeEqual(digestOf(key), data.subarray(-DIGEST_BYTES))) throw wrongPassword()
  return key
}

function characters(password: string): Buffer {
  return Buffer.from(password, 'utf16le').swap16()
}

/** Reads what java.io.DataOutputStream wrote. */
class Input {
  at = 0
  readonly #all: Buffer

  constructor(all: Buffer) {
    this.#all = all
  }

  take(count: number): Buffer {
    const end = this.at + count
    if (end > this.#all.length) throw damaged()
    const taken = this.#all.subarray(this.at, end)
    this.at = end
    return taken
  }

  number(): number {
    return this.take(4).readUInt32BE(0)
  }

  bytes(): Buffer {
    return this.take(this.number())
  }

  text(): string {
    return this.take(this.take(2).readUInt16BE(0)).toString('utf8')
  }
}
