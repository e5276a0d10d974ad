const WORD = 2 ** 32

/** Reads an answer from one piece of memory, number after number: ten times as fast as the client's reader, which looks for each in a list of pieces. */
export class Bytes {
  readonly from: Buffer
  at: number

  /** @param at where to begin */
  constructor(from: Buffer, at = 0) {
    this.from = from
    this.at = at
  }

  /** @throws RangeError behind the end, as all the others do */
  int16(): number {
    return this.from.readInt16BE(this.skip(2))
  }

  int32(): number {
    return this.from.readInt32BE(this.skip(4))
  }

  /** A length as Kafka's compact forms have it: one more than it is, seven bits a byte, the lowest first; -1: null. */
  length(): number {
    return this.varint() - 1
  }

  /** A text of ASCII, or of UTF-8; null as the empty one. */
  text(): string {
    const length = Math.max(0, this.length())
    const at = this.skip(length)
    return this.from.toString('utf8', at, at + length)
  }

  /** With dashes. */
  uuid(): string {
    const hex = this.from.toString('hex', this.at, this.skip(16) + 16)
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
  }

  /** Goes on behind so many bytes, and says where they begin. */
  skip(bytes: number): number {
    const { at } = this
    this.at = at + bytes
    return at
  }

  /** Goes on behind tagged fields, of which none is used. */
  skipTags(): void {
    for (let fields = this.varint(); fields > 0; fields--) {
      this.varint()
      const bytes = this.varint()
      this.skip(bytes)
    }
  }

  varint(): number {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = this.from.readUInt8(this.at++)
      value += (byte & 127) * 2 ** shift
      if (byte < 128) return value
    }
  }
}

/** A 64-bit number: as a number where that is exact. */
export function readInt64(from: Buffer, at: number): number | bigint {
  const number = from.readInt32BE(at) * WORD + from.readUInt32BE(at + 4)
  return Number.isSafeInteger(number) ? number : from.readBigInt64BE(at)
}

/** Writes a safe integer in 64 bits: in two halves, since a bigint for each of ten thousand numbers takes its time. */
export function writeInt64(to: Buffer, at: number, value: number): void {
  const high = Math.floor(value / WORD)
  to.writeInt32BE(high, at)
  to.writeUInt32BE(value - high * WORD, at + 4)
}
