import { Connection, createAPI, Writer, type Reader } from '@platformatic/kafka'
import { randomUUID } from 'node:crypto'

/** StreamsGroupHeartbeat (KIP-1071), by which a Kafka Streams application of the new protocol joins its group; the client library has none. */
const heartbeat = createAPI<[group: string, member: string, topic: string], number>(
  88,
  0,
  (group, member, topic) =>
    Writer.create()
      .appendString(group)
      .appendString(member)
      .appendInt32(0) // the member's epoch: it joins
      .appendInt32(0) // the endpoints' epoch
      .appendString(null) // no instance ID
      .appendString(null) // no rack
      .appendInt32(60_000) // the rebalance time-out
      .appendInt8(1) // a topology follows
      .appendInt32(1) // its epoch
      .appendArray([topic], (writer, name) => {
        writer.appendString('0').appendArray([name], (inner, one) => inner.appendString(one), true, false)
        for (let absent = 0; absent < 5; absent++) writer.appendArray([], () => {})
      })
      .appendTaggedFields()
      .appendArray([], () => {}) // active tasks
      .appendArray([], () => {}) // standby tasks
      .appendArray([], () => {}) // warm-up tasks
      .appendString(randomUUID()) // the process
      .appendInt8(-1) // no endpoint
      .appendArray([], () => {}) // client tags
      .appendArray(null, () => {}) // task offsets
      .appendArray(null, () => {}) // task end offsets
      .appendBoolean(false)
      .appendTaggedFields(),
  (_id: number, _key: number, _version: number, reader: Reader) => {
    reader.readInt32()
    return reader.readInt16()
  },
)

/** Joins a streams group; the member stays for its session time-out. Kafka's error code, 0 for none. */
export async function joinStreamsGroup(port: number, group: string, topic: string): Promise<number> {
  const connection = new Connection('streams-app')
  await connection.connect('127.0.0.1', port)
  try {
    return await heartbeat.async(connection, group, randomUUID(), topic)
  } finally {
    await connection.close()
  }
}
