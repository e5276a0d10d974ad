// Imported by itself: the client's own crc32c copies every buffer before it hands it to this same library.
import { crc32c as native } from '@node-rs/crc32'

/** CRC32C (Castagnoli) of bytes, as Kafka's record batches carry it. */
export function crc32c(bytes: Buffer): number {
  return native(bytes)
}
