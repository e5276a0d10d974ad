import { compressionsAlgorithms } from '@platformatic/kafka'

/** zlib writes into pieces of memory, and joins them where they are several. Smaller ones Node would keep several to a block, and none could be given back early. */
const SMALLEST_PIECE = 128 * 1024
const LARGEST_PIECE = 1024 * 1024

/** What batches came to lately: the next one is likely to need no more, and then it is one piece. */
let likelySize = SMALLEST_PIECE

/** The codecs of a batch's attributes: none, gzip, snappy, lz4 and zstd (KIP-110). Node's are loaded with the first batch that needs one: most commands read none. */
const CODECS: ReadonlyArray<(bytes: Buffer) => Buffer> = [
  (bytes) => bytes,
  (bytes) => inPieces(bytes, process.getBuiltinModule('node:zlib').gunzipSync),
  (bytes) => compressionsAlgorithms.snappy.decompressSync(bytes),
  (bytes) => compressionsAlgorithms.lz4.decompressSync(bytes),
  (bytes) => inPieces(bytes, process.getBuiltinModule('node:zlib').zstdDecompressSync),
]

/** The uncompressed bytes. Throws what the codec throws, and a RangeError for a codec that Kafka does not have. */
export function decompress(codec: number, bytes: Buffer): Buffer {
  const decode = CODECS[codec]
  if (decode === undefined) throw new RangeError(`there is no compression type ${codec}`)
  return decode(bytes)
}

function inPieces(bytes: Buffer, decode: (bytes: Buffer, options: { chunkSize: number }) => Buffer): Buffer {
  const found = decode(bytes, { chunkSize: likelySize })
  // A quarter more than the last one, since batches differ; a larger guess goes down slowly.
  const wanted = Math.max(found.length * 1.25, likelySize * 0.95)
  likelySize = Math.round(Math.min(Math.max(wanted, SMALLEST_PIECE), LARGEST_PIECE))
  return found
}
