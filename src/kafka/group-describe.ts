import { createAPI, Writer, type Reader } from '@platformatic/kafka'
import type { Call } from './protocol.ts'

// Calls of Kafka 4.1 that the client library lacks, by the schemas in its own jar (common/message/*.json). Only what we use is kept.

/** A group's members, or Kafka's error code. */
export interface DescribedGroup {
  readonly errorCode: number
  readonly members: readonly DescribedMember[]
}

interface DescribedMember {
  readonly memberId: string
  readonly instanceId: string | null
  readonly clientId: string
  readonly clientHost: string
}

/** The start offsets of a share group's partitions. */
export interface ShareOffsets {
  readonly errorCode: number
  readonly topics: readonly { readonly topic: string; readonly partitions: readonly ShareStart[] }[]
}

interface ShareStart {
  readonly partition: number
  /** -1: nobody has read of it yet. */
  readonly startOffset: bigint
  readonly errorCode: number
}

type Groups<Group> = { readonly groups: readonly Group[] }

/** The members of a group of KIP-1071's protocol. */
export const streamsGroupDescribe: Call<[groups: string[]], Groups<DescribedGroup>> = {
  name: 'StreamsGroupDescribe',
  versions: [createAPI(89, 0, describeRequest, (_id, _key, _version, reader) => groupsIn(reader, streamsGroup))],
}

/** The members of a share group. Version 0 was early access, and is gone. */
export const shareGroupDescribe: Call<[groups: string[]], Groups<DescribedGroup>> = {
  name: 'ShareGroupDescribe',
  versions: [createAPI(77, 1, describeRequest, (_id, _key, _version, reader) => groupsIn(reader, shareGroup))],
}

/** From where on a share group still has records to hand out, in every partition that it knows. */
export const shareGroupOffsets: Call<[group: string], Groups<ShareOffsets>> = {
  name: 'DescribeShareGroupOffsets',
  versions: [
    createAPI(
      90,
      0,
      (group: string) =>
        Writer.create()
          .appendArray([group], (writer, id) => writer.appendString(id).appendArray(null, () => {}))
          .appendTaggedFields(),
      (_id, _key, _version, reader) => groupsIn(reader, shareOffsets),
    ),
  ],
}

function describeRequest(groups: string[]): Writer {
  return Writer.create()
    .appendArray(groups, (writer, group) => writer.appendString(group), true, false)
    .appendBoolean(false) // no authorized operations
    .appendTaggedFields()
}

function groupsIn<Group>(reader: Reader, group: (reader: Reader) => Group): Groups<Group> {
  reader.readInt32() // throttle time
  return { groups: reader.readArray(group) }
}

function streamsGroup(reader: Reader): DescribedGroup {
  const errorCode = groupHeader(reader)
  reader.readNullableStruct(() => skipTopology(reader))
  const members = reader.readArray(streamsMember)
  reader.readInt32() // authorized operations
  return { errorCode, members }
}

function shareGroup(reader: Reader): DescribedGroup {
  const errorCode = groupHeader(reader)
  reader.readString() // the assignor
  const members = reader.readArray(shareMember)
  reader.readInt32() // authorized operations
  return { errorCode, members }
}

/** Error code and message, name, state, group epoch, assignment epoch. */
function groupHeader(reader: Reader): number {
  const errorCode = reader.readInt16()
  reader.readNullableString()
  reader.readString()
  reader.readString()
  reader.readInt32()
  reader.readInt32()
  return errorCode
}

function skipTopology(reader: Reader): void {
  reader.readInt32() // its epoch
  reader.readNullableArray(() => {
    reader.readString()
    skipStrings(reader) // source topics
    skipStrings(reader) // repartition sinks
    reader.readArray(skipTopic) // changelogs
    reader.readArray(skipTopic) // repartition sources
  })
  reader.readTaggedFields()
}

function skipTopic(reader: Reader): void {
  reader.readString()
  reader.readInt32()
  reader.readInt16()
  reader.readArray(skipKeyValue)
}

function streamsMember(reader: Reader): DescribedMember {
  const memberId = reader.readString()
  reader.readInt32() // its epoch
  const instanceId = reader.readNullableString()
  reader.readNullableString() // rack
  const [clientId, clientHost] = [reader.readString(), reader.readString()]
  reader.readInt32() // the topology's epoch
  reader.readString() // the process
  reader.readNullableStruct(() => {
    reader.readString()
    reader.readUnsignedInt16()
    reader.readTaggedFields()
  })
  reader.readArray(skipKeyValue) // client tags
  reader.readArray(skipTaskOffset)
  reader.readArray(skipTaskOffset) // end offsets
  skipTasks(reader) // assigned
  skipTasks(reader) // to be assigned
  reader.readBoolean() // a member of the classic protocol
  return { memberId, instanceId, clientId, clientHost }
}

function shareMember(reader: Reader): DescribedMember {
  const memberId = reader.readString()
  reader.readNullableString() // rack
  reader.readInt32() // its epoch
  const [clientId, clientHost] = [reader.readString(), reader.readString()]
  skipStrings(reader) // subscribed topics
  reader.readArray(() => {
    reader.readUUID()
    reader.readString()
    reader.readArray(() => reader.readInt32(), true, false)
  })
  reader.readTaggedFields()
  return { memberId, instanceId: null, clientId, clientHost }
}

function shareOffsets(reader: Reader): ShareOffsets {
  reader.readString() // the group
  const topics = reader.readArray(() => {
    const topic = reader.readString()
    reader.readUUID()
    return { topic, partitions: reader.readArray(shareStart) }
  })
  const errorCode = reader.readInt16()
  reader.readNullableString()
  return { errorCode, topics }
}

function shareStart(reader: Reader): ShareStart {
  const [partition, startOffset] = [reader.readInt32(), reader.readInt64()]
  reader.readInt32() // leader epoch
  const errorCode = reader.readInt16()
  reader.readNullableString()
  return { partition, startOffset, errorCode }
}

function skipStrings(reader: Reader): void {
  reader.readArray(() => reader.readString(), true, false)
}

function skipKeyValue(reader: Reader): void {
  reader.readString()
  reader.readString()
}

function skipTaskOffset(reader: Reader): void {
  reader.readString()
  reader.readInt32()
  reader.readInt64()
}

/** Active, standby and warm-up tasks. */
function skipTasks(reader: Reader): void {
  for (let kind = 0; kind < 3; kind++) {
    reader.readArray(() => {
      reader.readString()
      reader.readArray(() => reader.readInt32(), true, false)
    })
  }
  reader.readTaggedFields()
}
