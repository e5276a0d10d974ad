import { TidemarkError } from '../../errors.ts'
import { withoutPassword } from '../url.ts'
import { GROUP, unfitness } from './paths.ts'
import type { PerTopicPlace } from './per-topic.ts'
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
  /** Of layout=per-topic: where its strings are; undefined: the classic layout. */
  readonly perTopic: PerTopicPlace | undefined
}

const DEFAULT_PORT = 2181
/** As long as a member may be silent before it counts as gone. ZooKeeper itself grants between 2 and 20 of its ticks. */
const DEFAULT_SESSION_TIMEOUT = 10_000
const shape = /^zookeeper:\/\/(?:(?<user>[^/?#]*)@)?(?<servers>[^/?#@]+)(?<chroot>\/[^?#]*)?(?:\?(?<query>[^#]*))?$/i
const example = 'A ZooKeeper store is named like zookeeper://h1:2181,h2:2181/kafka?layout=classic'

/** Where a per-topic layout has its strings if the URL does not say. */
const DEFAULT_PATH = `/spark/offsets/${GROUP}`

/**
 * Reads `zookeeper://[user:password@]host[:port],…[/chroot][?layout=classic][&session-timeout=MS]`, or with
 * `layout=per-topic[&path=/spark/offsets/{group}][&topic=NAME]`. By hand, because a WHATWG URL can't name several hosts.
 * @throws TidemarkError USAGE, which never shows the password.
 */
export function parseUrl(url: string): ZooKeeperUrl {
  const parts = shape.exec(url)?.groups
  // Nothing of it is shown, since what of it is a password can't be told.
  if (parts?.['servers'] === undefined) throw usage('zookeeper:…', 'it has not the form of a ZooKeeper URL')
  // Else a piece of a password would be taken, and shown, for a server or a path.
  if (parts['user'] === undefined && url.includes('@')) throw usage(url, 'in a password, / ? # and % are written as %2F %3F %23 and %25')
  return {
    // The servers first: where one of them is none, the rest may be a piece of a password.
    servers: parts['servers'].split(',').map((server, index) => serverOf(url, server, index + 1)),
    credentials: parts['user'] === undefined ? undefined : credentialsOf(url, parts['user']),
    chroot: chrootOf(url, parts['chroot'] ?? ''),
    ...settingsOf(url, parts['query'] ?? ''),
  }
}

function serverOf(url: string, text: string, place: number): ServerAddress {
  const { six, name, port } = /^(?:\[(?<six>[\da-f:.]+)\]|(?<name>[^:[\]\s]+))(?::(?<port>\d{1,5}))?$/i.exec(text)?.groups ?? {}
  const host = six ?? name
  const number = port === undefined ? DEFAULT_PORT : Number(port)
  if (host === undefined || number === 0 || number > 65_535)
    throw usage(url, `server ${place} is no host:port, or a password that lacks its @`)
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

function settingsOf(url: string, query: string): Pick<ZooKeeperUrl, 'sessionTimeout' | 'perTopic'> {
  const { layout = 'classic', 'session-timeout': sessionTimeout, ...more } = Object.fromEntries(new URLSearchParams(query))
  if (layout !== 'classic' && layout !== 'per-topic')
    throw usage(url, `there is no layout ${JSON.stringify(layout)}`, 'There are layout=classic and layout=per-topic')
  const { path, topic, ...unknown } = more
  const [stranger] = Object.keys(layout === 'per-topic' ? unknown : more)
  if (stranger !== undefined)
    throw usage(url, `there is no parameter ${stranger}`, 'There are layout and session-timeout, and with layout=per-topic path and topic')
  return {
    sessionTimeout: sessionTimeout === undefined ? DEFAULT_SESSION_TIMEOUT : millisecondsOf(url, sessionTimeout),
    perTopic: layout === 'per-topic' ? { path: groupPathOf(url, path ?? DEFAULT_PATH), topic: topicOf(url, topic) } : undefined,
  }
}

function millisecondsOf(url: string, text: string): number {
  if (/^[1-9]\d{1,8}$/.test(text)) return Number(text)
  throw usage(url, `${JSON.stringify(text)} is no session-timeout`, 'It is a number of milliseconds')
}

/** A path with the group as one of its names, so that no two groups can have the same string. */
function groupPathOf(url: string, path: string): string {
  const names = path.split('/')
  const reason = names.slice(1).map(unfitness).find(Boolean)
  if (names[0] !== '' || reason !== undefined || names.filter((name) => name === GROUP).length !== 1 || names[1] === 'tidemark')
    throw usage(
      url,
      `${JSON.stringify(path)} is no path of strings`,
      `Write path=/a/path/${GROUP}: its last name or another one is the group's`,
    )
  return path
}

function topicOf(url: string, topic: string | undefined): string | undefined {
  const reason = topic === undefined ? undefined : unfitness(topic)
  if (reason !== undefined) throw usage(url, `${JSON.stringify(topic)} is no topic: ${reason}`)
  return topic
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
