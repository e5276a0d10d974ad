/**
 * What client.ts uses of node-zookeeper-client 1.1.3, which brings no types. Its version is pinned, and some of this is
 * not documented there: `connectionManager` and the jute records are its inside.
 */
declare module 'node-zookeeper-client' {
  import type { EventEmitter } from 'node:events'
  import type { Socket } from 'node:net'
  import type { Request } from 'node-zookeeper-client/lib/jute/index.js'

  export interface Failure extends Error {
    readonly code: number
  }

  /** 64-bit numbers are Buffers of 8 bytes. */
  export interface Stat {
    readonly mzxid: Buffer
    readonly mtime: Buffer
    readonly version: number
    readonly ephemeralOwner: Buffer
  }

  export type Done<T extends unknown[]> = (error: Failure | null | undefined, ...values: T) => void

  export interface Client extends EventEmitter {
    readonly connectionManager: ConnectionManager
    connect(): void
    close(): void
    addAuthInfo(scheme: string, auth: Buffer): void
    getSessionId(): Buffer
    getSessionPassword(): Buffer
    getSessionTimeout(): number
    getData(path: string, done: Done<[Buffer | undefined, Stat]>): void
    getChildren(path: string, done: Done<[string[]]>): void
    exists(path: string, done: Done<[Stat | null]>): void
    create(path: string, data: Buffer | undefined, acl: Acl[], mode: number, done: Done<[string]>): void
    setData(path: string, data: Buffer, version: number, done: Done<[Stat]>): void
    remove(path: string, version: number, done: Done<[]>): void
  }

  export interface ConnectionManager {
    servers: { readonly host: string; readonly port: number }[]
    readonly socket?: Socket
    readonly connectTimeoutHandler?: NodeJS.Timeout
    connect(): void
    onSocketData(chunk: Buffer): void
    queue(request: Request, done: Done<unknown[]>): void
  }

  /** One entry of an access control list. */
  export class Acl {
    constructor(permission: number, id: object)
    toRecord(): object
  }

  const library: {
    createClient(servers: string, options: { sessionTimeout: number; sessionId?: Buffer; sessionPassword?: Buffer }): Client
    readonly ACL: typeof Acl
    readonly Id: new (scheme: string, id: string) => object
    readonly Permission: { readonly READ: number; readonly CREATE: number; readonly ALL: number }
    readonly CreateMode: { readonly PERSISTENT: number; readonly PERSISTENT_SEQUENTIAL: number; readonly EPHEMERAL: number }
    readonly State: { readonly SYNC_CONNECTED: object; readonly EXPIRED: object; readonly AUTH_FAILED: object }
  }
  export default library
}

declare module 'node-zookeeper-client/lib/jute/index.js' {
  interface Header {
    readonly xid: number
  }

  export interface Request {
    readonly header: Header
    readonly payload: object | null
    toBuffer(): Buffer
  }

  const jute: {
    readonly OP_CODES: Readonly<Record<'DELETE' | 'SYNC', number>>
    readonly protocol: {
      RequestHeader: new (xid?: number, type?: number) => Header
      GetACLRequest: new (path: string) => object
    }
    Request: new (header: Header, payload: object) => Request
    /** A test compares our bytes with its. */
    TransactionRequest: new (ops: readonly object[]) => object
  }
  export default jute
}
