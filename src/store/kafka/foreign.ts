/** First bytes of the Confluent parallel-consumer's metadata: which offsets above the committed one are done, in its several encodings. */
const PARALLEL_CONSUMER = 'loneasJp'

/** Kafka Streams writes a version, the partition's time in 8 bytes, and from version 2 on its processors' own. */
const STREAMS_VERSIONS: ReadonlySet<number | undefined> = new Set([1, 2])
const STREAMS_BYTES = 9

/** The program that committed a metadata string, as far as its form tells. */
export function programOf(metadata: string): string {
  if (metadata.length % 4 !== 0 || !/^[\w+/]+={0,2}$/.test(metadata)) return 'another program'
  const bytes = Buffer.from(metadata, 'base64')
  if (STREAMS_VERSIONS.has(bytes[0]) && bytes.length >= STREAMS_BYTES) return 'Kafka Streams'
  return PARALLEL_CONSUMER.includes(String.fromCharCode(bytes[0] ?? 0)) ? 'the parallel-consumer' : 'another program'
}
