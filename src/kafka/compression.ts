import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { compressionsAlgorithms } from '@platformatic/kafka'

/** The codecs of a batch's attributes: none, gzip, snappy, lz4 and zstd (KIP-110). */
const CODECS: ReadonlyArray<(bytes: Buffer) => Buffer> = [
  (bytes) => bytes,
  (bytes) => gunzipSync(bytes),
  (bytes) => compressionsAlgorithms.snappy.decompressSync(bytes),
  (bytes) => compressionsAlgorithms.lz4.decompressSync(bytes),
  (bytes) => zstdDecompressSync(bytes),
]

/** The uncompressed bytes. Throws what the codec throws, and a RangeError for a codec that Kafka does not have. */
export function decompress(codec: number, bytes: Buffer): Buffer {
  const decode = CODECS[codec]
  if (decode === undefined) throw new RangeError(`there is no compression type ${codec}`)
  return decode(bytes)
}
