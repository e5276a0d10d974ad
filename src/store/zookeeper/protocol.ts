/** What passes between a connection and its users: znodes, operations and how they fail. */

/** One server of an ensemble. */
export interface ServerAddress {
  readonly host: string
  readonly port: number
}

/** A session that another connection can go on with. */
export interface SessionKey {
  readonly id: Buffer
  readonly password: Buffer
}

/** What ZooKeeper knows of a znode. */
export interface Stat {
  /** The transaction that changed it last, as ZooKeeper prints it (`0x1a`). */
  readonly mzxid: string
  /** The last change, ms since 1970. */
  readonly mtime: number
  readonly version: number
  /** The session that an ephemeral znode lives by; `0x0` for others. */
  readonly ephemeralOwner: string
}

/** A znode's content; null data reads as empty. */
export interface Znode {
  readonly data: Buffer
  readonly stat: Stat
}

/** How a znode is made. */
export interface Creation {
  readonly path: string
  /** None: null data, as the old consumer's folders have. */
  readonly data?: Buffer
  readonly mode?: 'persistent' | 'sequential' | 'ephemeral'
  /** With credentials: others may create znodes below. */
  readonly shared?: boolean
}

/** One operation of a multi. A version is always compared. */
export type Op =
  | (Creation & { readonly kind: 'create' })
  | { readonly kind: 'set'; readonly path: string; readonly data: Buffer; readonly version: number }
  | { readonly kind: 'check'; readonly path: string; readonly version: number }

/** A multi was applied as transaction `zxid`, or not at all because of the operation at `index`. */
export type MultiOutcome =
  | { readonly ok: true; readonly zxid: string }
  | { readonly ok: false; readonly index: number; readonly code: number }

/** The server's error codes that are told apart. */
export const codes = {
  RUNTIME_INCONSISTENCY: -2,
  CONNECTION_LOSS: -4,
  UNIMPLEMENTED: -6,
  NO_NODE: -101,
  NO_AUTH: -102,
  BAD_VERSION: -103,
  NODE_EXISTS: -110,
  SESSION_EXPIRED: -112,
  AUTH_FAILED: -115,
} as const

/** The connection is gone. `sent`: the request may have reached the server. */
export class ConnectionLost extends Error {
  readonly sent: boolean

  constructor(reason: string, sent: boolean) {
    super(reason)
    this.sent = sent
  }
}

/** The server answered with an error. */
export class Refused extends Error {
  readonly code: number

  constructor(code: number) {
    super(`ZooKeeper answered ${Object.entries(codes).find(([, known]) => known === code)?.[0] ?? `with error ${code}`}`)
    this.code = code
  }
}
