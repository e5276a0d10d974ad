// The client's CRC32C in the bundle: ours, which loads its native part when it is first asked.
import { crc32c as ours } from '../src/kafka/crc.ts'

/** @param {Buffer | { buffer: Buffer }} bytes the other is the client's list of pieces */
export const crc32c = (bytes) => ours(Buffer.isBuffer(bytes) ? bytes : bytes.buffer)
