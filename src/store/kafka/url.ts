import { TidemarkError } from '../../errors.ts'
import { parseAddresses } from '../../kafka/address.ts'
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
  // Nothing of it is shown, since what of it is a password can't be told.
  if (!wellFormed) throw new TidemarkError('USAGE', 'kafka:… names no cluster', { hint })
  // First, and not only by who connects: where one of them is none, the rest may be a piece of a password.
  if (servers !== '') parseAddresses(servers)
  const parameters = new URLSearchParams(query)
  for (const name of parameters.keys()) {
    if (name !== 'command-config')
      throw new TidemarkError('USAGE', `${withoutPassword(url)}: there is no parameter ${name}`, { hint: 'There is command-config' })
  }
  return { bootstrapServers: servers === '' ? undefined : servers, properties: parameters.get('command-config') ?? undefined }
}
