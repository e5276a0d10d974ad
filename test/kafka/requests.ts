import { subscribe, unsubscribe } from 'node:diagnostics_channel'

/** Where the client tells of each request. */
const channel = 'tracing:plt:kafka:connections:api:start'
const names: Readonly<Record<number, string>> = {
  2: 'ListOffsets',
  3: 'Metadata',
  9: 'OffsetFetch',
  10: 'FindCoordinator',
  15: 'DescribeGroups',
  16: 'ListGroups',
  18: 'ApiVersions',
  23: 'OffsetForLeaderEpoch',
  32: 'DescribeConfigs',
  35: 'DescribeLogDirs',
}

/** A request that went out. */
export interface Sent {
  readonly name: string
  /** The broker's. */
  readonly port: number
}

/** The requests that this process sends to brokers while `ask` runs, but for those that negotiate versions. */
export async function requestsOf(ask: () => Promise<unknown>): Promise<Sent[]> {
  const sent: Sent[] = []
  const onSend = (message: unknown): void => {
    const { apiKey, connection } = message as { apiKey: number; connection: { port: number } }
    sent.push({ name: names[apiKey] ?? String(apiKey), port: connection.port })
  }
  subscribe(channel, onSend)
  try {
    await ask()
  } finally {
    unsubscribe(channel, onSend)
  }
  return sent.filter(({ name }) => name !== 'ApiVersions')
}
