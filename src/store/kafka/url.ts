import { TidemarkError } from '../../errors.ts'
import { withoutPassword } from '../url.ts'

/** The cluster that `kafka:` or `kafka://host:port,host:port[?command-config=FILE]` names; no bootstrap servers: the log's own. */
export interface KafkaUrl {
  readonly bootstrapServers: string | undefined
  readonly properties: string | undefined
}

/** @throws TidemarkError USAGE */
export function parseKafkaUrl(url: string): KafkaUrl {
  const [, servers = '', , query = ''] = /^kafka:(?:\/\/([^/?#]*)\/?)?(\?(.*))?$/i.exec(url) ?? []
  const hint = 'Write kafka: for the groups of the cluster that is read, or kafka://host:9092 for those of another one'
  const wellFormed = /^kafka:(?:\/\/[^/?#@]+\/?(?:\?.*)?)?$/i.test(url)
  if (!wellFormed) throw new TidemarkError('USAGE', `${withoutPassword(url)} names no cluster`, { hint })
  const parameters = new URLSearchParams(query)
  for (const name of parameters.keys()) {
    if (name !== 'command-config')
      throw new TidemarkError('USAGE', `${withoutPassword(url)}: there is no parameter ${name}`, { hint: 'There is command-config' })
  }
  return { bootstrapServers: servers === '' ? undefined : servers, properties: parameters.get('command-config') ?? undefined }
}
