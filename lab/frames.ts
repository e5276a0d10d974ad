/** How requests and replies are told apart on the wire. Kafka and ZooKeeper both put a length of four bytes before each. */
export interface Protocol {
  kindOf: (request: Buffer) => number
  requestId: (request: Buffer) => number
  replyId: (reply: Buffer) => number
}

const lengthBytes = 4

/** Kafka: the kind is the API key (Produce 0, Fetch 1, OffsetCommit 8, …). */
export const kafkaFrames: Protocol = {
  kindOf: (request) => request.readInt16BE(lengthBytes),
  requestId: (request) => request.readInt32BE(lengthBytes + 4),
  replyId: (reply) => reply.readInt32BE(lengthBytes),
}

/** ZooKeeper: the kind is the operation (create 1, getData 4, setData 5, sync 9, multi 14, …). The first request of a connection has none, and reads as 0. */
export const zooKeeperFrames: Protocol = {
  kindOf: (request) => request.readInt32BE(lengthBytes + 4),
  requestId: (request) => request.readInt32BE(lengthBytes),
  replyId: (reply) => reply.readInt32BE(lengthBytes),
}

/** Cuts a stream of bytes into frames, each with its length in front. */
export class FrameSplitter {
  #chunks: Buffer[] = []
  #size = 0
  #wanted = lengthBytes

  /** The frames that are complete with this chunk. */
  push(chunk: Buffer): Buffer[] {
    this.#chunks.push(chunk)
    this.#size += chunk.length
    // Joined only when something is complete: an answer of many megabytes comes in hundreds of chunks.
    return this.#size < this.#wanted ? [] : this.#split(Buffer.concat(this.#chunks))
  }

  #split(bytes: Buffer): Buffer[] {
    const frames = []
    let from = 0
    for (;;) {
      const left = bytes.length - from
      this.#wanted = left < lengthBytes ? lengthBytes : lengthBytes + bytes.readInt32BE(from)
      if (left < this.#wanted) break
      frames.push(bytes.subarray(from, from + this.#wanted))
      from += this.#wanted
    }
    this.#chunks = [bytes.subarray(from)]
    this.#size = bytes.length - from
    return frames
  }
}
