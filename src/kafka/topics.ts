import type { Cluster } from './cluster.ts'
import type { AskOptions, TopicDescription } from './log.ts'
import { isAbsent, topicIn, type Metadata } from './metadata.ts'

/**
 * What the cluster says of the topics named, one answer per name, in order; without names of all, by name. One request.
 * @throws TidemarkError as Cluster.metadata does; or the signal's reason
 */
export async function askTopics(cluster: Cluster, names?: readonly string[], { signal }: AskOptions = {}): Promise<TopicDescription[]> {
  if (names?.length === 0) return []
  const heard = await cluster.metadata(names, { signal })
  return (names ?? [...heard.topics.keys()].toSorted()).map((topic) => describe(heard, topic))
}

/**
 * The node IDs of the brokers that are up. One request.
 * @throws TidemarkError as Cluster.metadata does; or the signal's reason
 */
export async function askBrokerIds(cluster: Cluster, { signal }: AskOptions = {}): Promise<number[]> {
  const { brokers } = await cluster.metadata([], { signal })
  return [...brokers.keys()].toSorted((a, b) => a - b)
}

function describe(heard: Metadata, topic: string): TopicDescription {
  const found = topicIn(heard, topic)
  const { clusterId } = heard
  if (isAbsent(found)) return { state: 'absent', topic, clusterId }
  if (found.error !== 'NONE')
    return { state: 'unknown', topic, reason: found.error, detail: `the cluster answered ${found.error} for the topic` }
  return { state: 'known', topic, topicId: found.topicId, clusterId, partitions: [...found.partitions.keys()].toSorted((a, b) => a - b) }
}
