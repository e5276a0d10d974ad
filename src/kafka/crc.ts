import type * as library from '@node-rs/crc32'
import { createRequire } from 'node:module'

// Required by itself: the client's own crc32c copies every buffer before it hands it to this same library. And only when it is first asked: most commands read no batch.
let native: typeof library.crc32c | undefined

/** CRC32C (Castagnoli) of bytes, as Kafka's record batches carry it. */
export function crc32c(bytes: Buffer): number {
  native ??= (createRequire(import.meta.url)('@node-rs/crc32') as typeof library).crc32c
  return native(bytes)
}
