import { positionOf } from '../src/core/custody.ts'
import type { Position, TopicPartition } from '../src/core/position.ts'
import { epochsOf } from '../src/core/verdict.ts'
import type { World } from './world.ts'

/**
 * What Tidemark can't be blamed for: offsets that another program passed over, and histories that no stored position names
 * any more. Nothing is excused that something stored could tell of.
 */

/** Another program puts a number, or nothing, where an offset was: which history that was of is forgotten. */
export async function excuseTampering(world: World, partition: TopicPartition, number: number | undefined): Promise<void> {
  const before = (await stored(world, partition))?.offset ?? 0
  const { topic, partition: index } = partition
  world.excuses.push({ topic, partition: index, topicId: undefined, fromOffset: 0, untilOffset: Math.max(number ?? 0, before) })
  const gone = world.kafka.records.filter((record) => record.topic === topic && record.partition === index && record.fate === 'deleted')
  for (const topicId of new Set(gone.map((record) => record.topicId))) excuseAll(world, partition, topicId)
}

/** A topic is about to go, and what is stored of it does not say that it is of this one. */
export async function excuseDeletion(world: World, topic: string): Promise<void> {
  const topicId = world.kafka.topicIdOf(topic)
  for (const partition of world.kafka.partitionsOf(topic)) {
    const position = await stored(world, partition)
    if (topicId !== undefined && position?.topicId !== topicId) excuseAll(world, partition, topicId)
  }
}

/** A log is about to be cut below a position that names no leader epoch. */
export async function excuseCut(world: World, partition: TopicPartition, toOffset: number): Promise<void> {
  const position = await stored(world, partition)
  if (position === undefined || epochsOf(position).length > 0 || position.offset <= toOffset) return
  const { topic, partition: index } = partition
  world.excuses.push({ topic, partition: index, topicId: position.topicId, fromOffset: toOffset, untilOffset: position.offset })
}

async function stored(world: World, partition: TopicPartition): Promise<Position | undefined> {
  const [custody] = await world.server.load([partition])
  return custody === undefined ? undefined : positionOf(custody)
}

function excuseAll(world: World, { topic, partition }: TopicPartition, topicId: string): void {
  world.excuses.push({ topic, partition, topicId, fromOffset: 0, untilOffset: Number.POSITIVE_INFINITY })
}
