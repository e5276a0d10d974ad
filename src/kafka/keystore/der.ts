import { damaged, unsupported } from './fault.ts'

const TAGS = { integer: 0x02, octets: 0x04, oid: 0x06, bmpString: 0x1e } as const
const CONSTRUCTED = 0x20

/** One element of ASN.1 in its distinguished encoding (X.690): a tag, and what it holds. */
export class Der {
  readonly tag: number
  readonly content: Buffer
  /** Header and content. */
  readonly bytes: Buffer
  #children: readonly Der[] | undefined

  private constructor(tag: number, content: Buffer, bytes: Buffer) {
    this.tag = tag
    this.content = content
    this.bytes = bytes
  }

  /** The element that bytes begin with. @throws TidemarkError USAGE where they don't hold a whole one */
  static first(bytes: Buffer): Der {
    if (bytes.length < 2) throw damaged()
    const tag = bytes.readUInt8(0)
    const { start, length } = readLength(bytes)
    const end = start + length
    if (end > bytes.length) throw damaged()
    return new Der(tag, bytes.subarray(start, end), bytes.subarray(0, end))
  }

  /** What a sequence, a set or an explicit tag holds. */
  get children(): readonly Der[] {
    this.#children ??= this.#readChildren()
    return this.#children
  }

  /** The child at an index. @throws TidemarkError USAGE where there is none */
  field(index: number): Der {
    const found = this.children[index]
    if (found === undefined) throw damaged()
    return found
  }

  /** An object identifier, with dots. */
  oid(): string {
    const numbers: number[] = []
    let value = 0
    for (const byte of this.#contentOf(TAGS.oid)) {
      value = value * 128 + (byte & 0x7f)
      if (byte >= 0x80) continue
      numbers.push(value)
      value = 0
    }
    const [both = 0, ...rest] = numbers
    const root = Math.min(2, Math.floor(both / 40))
    return [root, both - root * 40, ...rest].join('.')
  }

  integer(): number {
    const content = this.#contentOf(TAGS.integer)
    if (content.length === 0 || content.length > 6) throw damaged()
    return content.readIntBE(0, content.length)
  }

  octets(): Buffer {
    return this.#contentOf(TAGS.octets)
  }

  /** A string of 16-bit characters. */
  text(): string {
    const content = this.#contentOf(TAGS.bmpString)
    if (content.length % 2 === 1) throw damaged()
    return Buffer.from(content).swap16().toString('utf16le')
  }

  #contentOf(tag: number): Buffer {
    if (this.tag !== tag) throw damaged()
    return this.content
  }

  #readChildren(): Der[] {
    if ((this.tag & CONSTRUCTED) === 0) throw damaged()
    const children: Der[] = []
    for (let at = 0; at < this.content.length;) {
      const child = Der.first(this.content.subarray(at))
      children.push(child)
      at += child.bytes.length
    }
    return children
  }
}

/** Where the content begins and how long it is. */
function readLength(bytes: Buffer): { start: number; length: number } {
  const first = bytes.readUInt8(1)
  if (first < 0x80) return { start: 2, length: first }
  const size = first & 0x7f
  if (size === 0) throw unsupported('lengths that are left open (BER)')
  if (size > 4 || bytes.length < 2 + size) throw damaged()
  return { start: 2 + size, length: bytes.readUIntBE(2, size) }
}
