import { Connection, createAPI, createRecordsBatch, metadataV12, Writer, type Reader } from '@platformatic/kafka'

/** Equal records for the partitions 0 to `partitions - 1`: `perPartition` of `valueSize` bytes in each. */
export interface Copies {
  topic: string
  partitions: number
  perPartition: number
  valueSize: number
  perBatch?: number
}

const acksOfAll = -1
const timeoutMs = 30_000
const partitionsPerRequest = 8

// The client's own produce call encodes every record again; here one encoded batch is sent as often as needed, and the broker gives it its offsets.
const produceEncoded = createAPI<[topic: string, partitions: number[], batch: Buffer], void>(0, 11, encode, refuseErrors)

/** Writes the copies to the partitions' leaders, batch by batch. */
export async function produceCopies(
  brokers: string[],
  { topic, partitions, perPartition, valueSize, perBatch = 1000 }: Copies,
): Promise<void> {
  const leaders = await partitionsByLeader(brokers, topic, partitions)
  const fullBatch = encodedBatch(topic, perBatch, valueSize)
  const rest = perPartition % perBatch
  for (const [address, own] of leaders) {
    const connection = await connectTo(address)
    for (let sent = 0; sent + perBatch <= perPartition; sent += perBatch) await produceToAll(connection, topic, own, fullBatch)
    if (rest > 0) await produceToAll(connection, topic, own, encodedBatch(topic, rest, valueSize))
    await connection.close()
  }
}

async function produceToAll(connection: Connection, topic: string, partitions: number[], batch: Buffer): Promise<void> {
  const groups = []
  for (let from = 0; from < partitions.length; from += partitionsPerRequest)
    groups.push(partitions.slice(from, from + partitionsPerRequest))
  await Promise.all(groups.map((group) => produceEncoded.async(connection, topic, group, batch)))
}

function encodedBatch(topic: string, records: number, valueSize: number): Buffer {
  const value = Buffer.alloc(valueSize, 'tidemark ')
  return createRecordsBatch(Array.from({ length: records }, () => ({ topic, value }))).buffer
}

async function partitionsByLeader(brokers: string[], topic: string, partitions: number): Promise<Map<string, number[]>> {
  const connection = await connectTo(brokers[0] ?? '')
  const metadata = await metadataV12.api.async(connection, [topic], false, false)
  await connection.close()
  const leaders = new Map<string, number[]>()
  for (const { partitionIndex, leaderId } of metadata.topics[0]?.partitions ?? []) {
    const leader = metadata.brokers.find((broker) => broker.nodeId === leaderId)
    if (leader === undefined || partitionIndex >= partitions) continue
    const address = `${leader.host}:${leader.port}`
    leaders.set(address, [...(leaders.get(address) ?? []), partitionIndex])
  }
  return leaders
}

async function connectTo(address: string): Promise<Connection> {
  const [host = '', port = ''] = address.split(':')
  const connection = new Connection('tidemark-lab')
  await connection.connect(host, Number(port))
  return connection
}

function encode(topic: string, partitions: number[], batch: Buffer): Writer {
  return Writer.create()
    .appendString(null)
    .appendInt16(acksOfAll)
    .appendInt32(timeoutMs)
    .appendArray([topic], (writer, name) => {
      writer.appendString(name).appendArray(partitions, (inner, partition) => {
        inner
          .appendInt32(partition)
          .appendUnsignedVarInt(batch.length + 1)
          .append(batch)
      })
    })
    .appendTaggedFields()
}

/** Looks at each partition's error code; the rest of the answer is of no use here. */
function refuseErrors(_correlationId: number, _apiKey: number, _apiVersion: number, reader: Reader): void {
  reader.readArray((topic) => {
    const name = topic.readString()
    topic.readArray((partition) => {
      const [index, code] = [partition.readInt32(), partition.readInt16()]
      if (code !== 0) throw new Error(`producing to ${name}-${index} failed with Kafka's error code ${code}`)
      // Base offset, append time, log start offset; then the errors of single records and the message, both empty.
      partition.skip(8 + 8 + 8)
      partition.readArray((error) => error.readInt32())
      partition.readNullableString()
    })
  })
}
