import type { TopicPartition } from '../../core/position.ts'
import { mapInFlight } from './pool.ts'
import type { Session } from './session.ts'

/** The partitions of a tree `<folder>/<topic>/<partition>`. */
export async function partitionsIn(session: Session, folder: string): Promise<TopicPartition[]> {
  const topics = (await session.children(folder)) ?? []
  const perTopic = await mapInFlight(topics, async (topic) => {
    const names = (await session.children(`${folder}/${topic}`)) ?? []
    // Anything else there is no partition, whoever put it there.
    return names.filter((name) => /^(?:0|[1-9]\d{0,8})$/.test(name)).map((name) => ({ topic, partition: Number(name) }))
  })
  return perTopic.flat()
}

/** The children of a root that have at least one of these folders. */
export async function withFolder(session: Session, root: string, folders: readonly ((group: string) => string)[]): Promise<string[]> {
  const names = (await session.children(root)) ?? []
  const found = await session.getAll(names.flatMap((name) => folders.map((folder) => folder(name))))
  return names.filter((_, index) => folders.some((_folder, place) => found[index * folders.length + place] !== undefined))
}
