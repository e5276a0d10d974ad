import { TidemarkError } from '../../errors.ts'
import { withoutPassword } from '../url.ts'
import { unfitness } from './paths.ts'
import type { ServerAddress } from './protocol.ts'

/** What a `zookeeper:` URL says. */
export interface ZooKeeperUrl {
  readonly servers: readonly ServerAddress[]
  /** `user:password`; undefined: nobody in particular. */
  readonly credentials: string | undefined
  /** The path that everything is kept under: `/kafka`; empty for none. */
  readonly chroot: string
  /** The session time-out to ask for, ms. */
  readonly sessionTimeout: number
}

const DEFAULT_PORT = 2181
/** As long as a member may be silent before it counts as gone. ZooKeeper itself grants between 2 and 20 of its ticks. */
const DEFAULT_SESSION_TIMEOUT = 10_000
const shape = /^zookeeper:\/\/(?:(?<user>[^/?#]*)@)?(?<servers>[^/?#@]+)(?<chroot>\/[^?#]*)?(?:\?(?<query>[^#]*))?$/i
const example = 'A ZooKeeper store is named like zookeeper://h1:2181,h2:2181/kafka?layout=classic'

/**
 * Reads `zookeeper://[user:password@]host[:port],…[/chroot][?layout=classic][&session-timeout=MS]`. By hand, because a
 * WHATWG URL can't name several hosts.
 * @throws TidemarkError USAGE, which never shows the password.
 */
export function parseUrl(url: string): ZooKeeperUrl {
  const parts = shape.exec(url)?.groups
  if (parts?.['servers'] === undefined) throw usage(url, 'it has not the form of a ZooKeeper URL')
  // Else a piece of a password would be taken, and shown, for a server or a path.
  if (parts['user'] === undefined && url.includes('@')) throw usage(url, 'in a password, / ? # and % are written as %2F %3F %23 and %25')
  const settings = settingsOf(url, parts['query'] ?? '')
  return {
    servers: parts['servers'].split(',').map((server) => serverOf(url, server)),
    credentials: parts['user'] === undefined ? undefined : credentialsOf(url, parts['user']),
    chroot: chrootOf(url, parts['chroot'] ?? ''),
    ...settings,
  }
}

function serverOf(url: string, text: string): ServerAddress {
  const { six, name, port } = /^(?:\[(?<six>[\da-f:.]+)\]|(?<name>[^:[\]\s]+))(?::(?<port>\d{1,5}))?$/i.exec(text)?.groups ?? {}
  const host = six ?? name
  const number = port === undefined ? DEFAULT_PORT : Number(port)
  if (host === undefined || number === 0 || number > 65_535) throw usage(url, `${JSON.stringify(text)} is no host:port`)
  return { host, port: number }
}

function credentialsOf(url: string, text: string): string {
  const colon = text.indexOf(':')
  if (colon < 1) throw usage(url, 'digest authentication needs user:password')
  return `${decoded(url, text.slice(0, colon))}:${decoded(url, text.slice(colon + 1))}`
}

function chrootOf(url: string, text: string): string {
  const chroot = decoded(url, text).replace(/\/$/, '')
  for (const name of chroot.split('/').slice(1)) {
    const reason = unfitness(name)
    if (reason !== undefined) throw usage(url, `there can be no znode ${JSON.stringify(chroot)}: in one of its names, ${reason}`)
  }
  return chroot
}

function settingsOf(url: string, query: string): Pick<ZooKeeperUrl, 'sessionTimeout'> {
  const { layout = 'classic', 'session-timeout': sessionTimeout, ...unknown } = Object.fromEntries(new URLSearchParams(query))
  const [stranger] = Object.keys(unknown)
  if (stranger !== undefined) throw usage(url, `there is no parameter ${stranger}`, 'There are layout and session-timeout')
  if (layout !== 'classic') throw usage(url, `there is no layout ${JSON.stringify(layout)}`, 'There is layout=classic')
  if (sessionTimeout === undefined) return { sessionTimeout: DEFAULT_SESSION_TIMEOUT }
  if (!/^[1-9]\d{1,8}$/.test(sessionTimeout))
    throw usage(url, `${JSON.stringify(sessionTimeout)} is no session-timeout`, 'It is a number of milliseconds')
  return { sessionTimeout: Number(sessionTimeout) }
}

function decoded(url: string, text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw usage(url, 'a % in it is not followed by two hexadecimal digits')
  }
}

function usage(url: string, what: string, hint: string = example): TidemarkError {
  return new TidemarkError('USAGE', `${withoutPassword(url)} can't be used: ${what}`, { hint })
}
