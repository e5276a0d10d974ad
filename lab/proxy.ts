import { rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import type { Protocol } from './frames.ts'
import { Link } from './link.ts'
import { reservePort, type ReservedPort } from './ports.ts'

/** `target` is the server's port on this machine; `protocol` is `kafkaFrames` or `zooKeeperFrames`. */
export interface ProxyOptions {
  target: number
  protocol: Protocol
}

/** Which way frames go: requests to the server, replies to the client. */
export type Direction = 'requests' | 'replies'

/** A frame that is kept back, and with it what follows on its connection: `arrived` says when it is there, `release` lets it go on. */
export interface Hold {
  arrived: Promise<void>
  release: () => void
}

interface Trap {
  kind: number
  at: Direction
  spring: (link: Link) => void
}

/** Stands between a client and a server and fails the way networks do, at a request that the test chooses. */
export class Proxy implements AsyncDisposable {
  readonly port: number
  readonly address: string
  /** How many requests of each kind have come since the start. */
  readonly requestCounts = new Map<number, number>()
  readonly #claim: string
  readonly #options: ProxyOptions
  readonly #links = new Set<Link>()
  readonly #awaitedReplies = new Map<Link, Map<number, Trap>>()
  readonly #frozen = new Set<Direction>()
  #traps: Trap[] = []
  #refusing = false
  #server: Server | undefined

  constructor({ port, claim }: ReservedPort, options: ProxyOptions) {
    this.port = port
    this.address = `127.0.0.1:${port}`
    this.#claim = claim
    this.#options = options
  }

  /** How many clients are connected. */
  get connections(): number {
    return this.#links.size
  }

  /** Begins to accept connections. */
  async listen(): Promise<void> {
    const server = createServer((client) => this.#accept(client))
    this.#server = server
    await new Promise<void>((resolve) => {
      server.listen(this.port, '127.0.0.1', resolve)
    })
    // A test that forgot to close its proxy can still end.
    server.unref()
  }

  /** Ends every connection and refuses new ones until `heal`. */
  cut(): void {
    this.#refusing = true
    this.dropConnections()
  }

  /** Ends every connection; new ones are welcome. */
  dropConnections(): void {
    for (const link of this.#links) link.cut()
  }

  /** Keeps connections open and passes nothing on until `heal`, which delivers late what was kept back, as a network does. */
  freeze(...directions: Direction[]): void {
    for (const direction of directions) {
      this.#frozen.add(direction)
      for (const link of this.#links) link[direction].hold()
    }
  }

  /** Ends `cut` and `freeze`. */
  heal(): void {
    this.#refusing = false
    for (const direction of this.#frozen) for (const link of this.#links) link[direction].release()
    this.#frozen.clear()
  }

  /** Passes the next request of a kind on, and cuts its connection when the reply comes: the server did it, and the client can't know. Resolves at the cut. */
  loseReply(kind: number): Promise<void> {
    return new Promise((resolve) => {
      this.#trap(kind, 'replies', (link) => {
        link.cut()
        resolve()
      })
    })
  }

  /** Cuts the connection of the next request of a kind before the server sees it. Resolves at the cut. */
  loseRequest(kind: number): Promise<void> {
    return new Promise((resolve) => {
      this.#trap(kind, 'requests', (link) => {
        link.cut()
        resolve()
      })
    })
  }

  /** Keeps back the next request of a kind, or the reply to it. */
  hold(kind: number, at: Direction): Hold {
    let caught: Link | undefined
    const arrived = new Promise<void>((resolve) => {
      this.#trap(kind, at, (link) => {
        caught = link
        link[at].hold()
        resolve()
      })
    })
    return { arrived, release: () => caught?.[at].release() }
  }

  /** Ends everything and gives the port back. */
  async close(): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#server?.close(resolve))
    rmSync(this.#claim, { recursive: true, force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #accept(client: Socket): void {
    if (this.#refusing) {
      client.destroy()
      return
    }
    const watcher = { onRequest: this.#onRequest.bind(this), onReply: this.#onReply.bind(this) }
    const link = new Link(client, this.#options.target, watcher, () => {
      this.#links.delete(link)
      this.#awaitedReplies.delete(link)
    })
    this.#links.add(link)
    for (const direction of this.#frozen) link[direction].hold()
  }

  #trap(kind: number, at: Direction, spring: (link: Link) => void): void {
    this.#traps.push({ kind, at, spring })
  }

  #onRequest(link: Link, frame: Buffer): void {
    const { kindOf, requestId } = this.#options.protocol
    const kind = kindOf(frame)
    this.requestCounts.set(kind, (this.requestCounts.get(kind) ?? 0) + 1)
    const trap = this.#traps.find((candidate) => candidate.kind === kind)
    if (trap === undefined) return
    this.#traps = this.#traps.filter((other) => other !== trap)
    if (trap.at === 'requests') trap.spring(link)
    else this.#awaited(link).set(requestId(frame), trap)
  }

  #onReply(link: Link, frame: Buffer): void {
    const id = this.#options.protocol.replyId(frame)
    const trap = this.#awaited(link).get(id)
    this.#awaited(link).delete(id)
    trap?.spring(link)
  }

  #awaited(link: Link): Map<number, Trap> {
    const replies = this.#awaitedReplies.get(link) ?? new Map<number, Trap>()
    this.#awaitedReplies.set(link, replies)
    return replies
  }
}

/** Starts a proxy in front of a server on this machine. It keeps its port by listening, so that nothing is left on disk when this process is killed. */
export async function startProxy(options: ProxyOptions): Promise<Proxy> {
  const reserved = await reservePort()
  const proxy = new Proxy(reserved, options)
  await proxy.listen()
  rmSync(reserved.claim, { recursive: true, force: true })
  return proxy
}
