import { parseAddresses } from './address.ts'
import { askBatches } from './batches.ts'
import { Cluster } from './cluster.ts'
import { askRangeEpochs } from './epochs.ts'
import { askFacts } from './facts.ts'
import { groupsOf } from './group-client.ts'
import { KnownTimes } from './known-times.ts'
import type { Log } from './log.ts'
import { produceRecords } from './produce.ts'
import { openReader } from './reader.ts'
import { askRetention } from './retention.ts'
import { askTimes } from './times.ts'
import { askBrokerIds, askTopics } from './topics.ts'

export interface ConnectOptions {
  /** `host:port`, with commas between several; what the properties file says of them, if not said here. */
  readonly bootstrapServers?: string | readonly string[] | undefined
  /** The path of a Java client's properties file: security.protocol, sasl.*, ssl.*, client.id, request.timeout.ms. */
  readonly properties?: string | undefined
  /** How brokers' logs and quotas name this client; `tidemark` if neither this nor the properties file say. */
  readonly clientId?: string | undefined
  /** How long one question to the cluster may take in all, ms; 30,000 if neither this nor the properties file say. */
  readonly timeoutMs?: number | undefined
}

/**
 * Kafka as a {@link Log}. Reads the options and connects to nothing yet: a job may start while the cluster is down, and
 * the first question says so.
 * @throws TidemarkError USAGE for options that can't be used
 */
export async function connect({ bootstrapServers, properties, clientId, timeoutMs }: ConnectOptions): Promise<Log> {
  const file = properties === undefined ? undefined : await (await import('./properties.ts')).loadProperties(properties)
  const cluster = new Cluster({
    bootstrapServers: parseAddresses(bootstrapServers ?? file?.bootstrapServers ?? ''),
    clientId: clientId ?? file?.clientId ?? 'tidemark',
    timeoutMs: timeoutMs ?? file?.timeoutMs ?? 30_000,
    tls: file?.tls,
    sasl: file?.sasl,
  })
  const knownTimes = new KnownTimes()
  const close = async (): Promise<void> => cluster.close()
  return {
    topics: (names, options) => askTopics(cluster, names, options),
    brokerIds: (options) => askBrokerIds(cluster, options),
    facts: (questions, options) => askFacts(cluster, questions, options),
    offsetsAt: (questions, options) => askTimes(cluster, questions, options),
    epochs: (ranges, options) => askRangeEpochs(cluster, ranges, options),
    batches: (questions, options) => askBatches(cluster, questions, options),
    retention: (questions, options) => askRetention(cluster, knownTimes, questions, options),
    produce: (topic, records) => produceRecords(cluster, topic, records, cluster.timeoutMs / 3),
    groups: groupsOf(cluster),
    reader: (options) => openReader(cluster, options),
    close,
    [Symbol.asyncDispose]: close,
  }
}
