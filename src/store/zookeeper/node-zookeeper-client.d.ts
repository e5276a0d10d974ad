/**
 * What client.ts uses of node-zookeeper-client 1.1.3, which brings no types. Its version is pinned, and some of this is
 * not documented there: `connectionManager` and the jute records are its inside.
 */
declare module 'node-zookeeper-client' {
  import type { EventEmitter } from 'node:events'
  import type { Socket } from 'node:net'
  import type { Reply, Request } from 'node-zookeeper-client/lib/jute/index.js'

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
    queue(request: Request, done: Done<[Reply]>): void
  }

  /** One entry of an access control list. */
  export class Acl {
    constructor(permission: number, id: object)
    toRecord(): object
  }

  const library: {
    createClient(servers: string, options: { sessionTimeout: number; sessionId?: Buffer; sessionPassword?: Buffer }): Client
    readonly ACL: typeof Acl & { readonly OPEN_ACL_UNSAFE: Acl[] }
    readonly Id: { readonly ANYONE_ID_UNSAFE: object; readonly AUTH_IDS: object }
    readonly Permission: { readonly READ: number; readonly CREATE: number; readonly ALL: number }
    readonly CreateMode: { readonly PERSISTENT: number; readonly PERSISTENT_SEQUENTIAL: number; readonly EPHEMERAL: number }
    readonly State: { readonly SYNC_CONNECTED: object; readonly EXPIRED: object; readonly AUTH_FAILED: object }
  }
  export default library
}

declare module 'node-zookeeper-client/lib/jute/index.js' {
  import type { Acl, Stat } from 'node-zookeeper-client'

  interface Header {
    readonly xid: number
  }

  export interface Request {
    readonly header: Header
    readonly payload: object | null
    toBuffer(): Buffer
  }

  /** An answer to a multi. */
  export interface Reply {
    readonly header: { readonly zxid: Buffer }
    readonly payload: { readonly results: readonly { readonly type: number; readonly err?: number; readonly stat?: Stat }[] }
  }

  /** One operation of a multi as TransactionRequest wants it. */
  export interface RawOp {
    readonly type: number
    readonly path: string
    readonly data?: Buffer | undefined
    readonly version?: number
    readonly acls?: readonly Acl[]
    readonly mode?: number
  }

  const jute: {
    readonly OP_CODES: Readonly<Record<'CREATE' | 'DELETE' | 'SET_DATA' | 'CHECK' | 'MULTI' | 'SYNC' | 'ERROR', number>>
    readonly protocol: {
      RequestHeader: new (xid?: number, type?: number) => Header
      GetACLRequest: new (path: string) => object
    }
    Request: new (header: Header, payload: object) => Request
    TransactionRequest: new (ops: readonly RawOp[]) => object
  }
  export default jute
}
