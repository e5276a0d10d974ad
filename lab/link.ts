import { connect, type Socket } from 'node:net'
import { FrameSplitter } from './frames.ts'

/** Sees each frame before it is passed on, and may hold its lane or cut the link. */
export interface LinkWatcher {
  onRequest: (link: Link, frame: Buffer) => void
  onReply: (link: Link, frame: Buffer) => void
}

/** One direction of a connection: passes whole frames on, in order, unless it is held. */
class Lane {
  readonly #splitter = new FrameSplitter()
  readonly #queue: Buffer[] = []
  readonly #sink: Socket
  readonly #look: (frame: Buffer) => void
  #looked: Buffer | undefined
  #held = false

  constructor(source: Socket, sink: Socket, look: (frame: Buffer) => void) {
    this.#sink = sink
    this.#look = look
    source.on('data', (chunk: Buffer) => {
      this.#queue.push(...this.#splitter.push(chunk))
      this.#drain()
    })
  }

  hold(): void {
    this.#held = true
  }

  release(): void {
    this.#held = false
    this.#drain()
  }

  #drain(): void {
    for (let frame = this.#queue[0]; frame !== undefined && !this.#held; frame = this.#queue[0]) {
      if (frame !== this.#looked) this.#look(frame)
      this.#looked = frame
      if (this.#held) return
      this.#queue.shift()
      this.#sink.write(frame)
    }
  }
}

/** A client's connection and the proxy's own to the server, tied together: when one ends so does the other. */
export class Link {
  readonly requests: Lane
  readonly replies: Lane
  readonly #sockets: Socket[]

  constructor(client: Socket, target: number, watcher: LinkWatcher, onClose: (link: Link) => void) {
    const server = connect(target, '127.0.0.1')
    this.#sockets = [client, server]
    this.requests = new Lane(client, server, (frame) => watcher.onRequest(this, frame))
    this.replies = new Lane(server, client, (frame) => watcher.onReply(this, frame))
    for (const socket of this.#sockets) {
      socket.setNoDelay(true)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        this.cut()
        onClose(this)
      })
    }
  }

  /** Ends both connections; what was not passed on is lost. */
  cut(): void {
    this.requests.hold()
    this.replies.hold()
    for (const socket of this.#sockets) socket.destroy()
  }
}
