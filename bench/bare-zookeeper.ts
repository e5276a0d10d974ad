import library, { type Client } from 'node-zookeeper-client'
import { once } from 'node:events'
import { PARTITIONS } from './saver.ts'

/** The bare client: writes the znodes of a group again and again, with the bytes that they hold. */
export class BareClient {
  readonly #client: Client
  readonly #znodes: { path: string; data: Buffer }[] = []

  constructor(connectString: string) {
    this.#client = library.createClient(connectString, { sessionTimeout: 30_000 })
  }

  /** Connects and reads the numbers and the sidecars of a group that Tidemark has saved. */
  async open(group: string, topic: string): Promise<void> {
    const connected = once(this.#client, 'connected')
    this.#client.connect()
    await connected
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const paths = [`/consumers/${group}/offsets/${topic}/${partition}`, `/tidemark/${group}/positions/${topic}/${partition}`]
      for (const path of paths) this.#znodes.push({ path, data: await this.#read(path) })
    }
  }

  /** All of them in one multi, whatever their versions. */
  write(): Promise<void> {
    const transaction = this.#client.transaction()
    for (const { path, data } of this.#znodes) transaction.setData(path, data, -1)
    return new Promise((resolve, reject) => transaction.commit((error) => (error == null ? resolve() : reject(error))))
  }

  close(): void {
    this.#client.close()
  }

  #read(path: string): Promise<Buffer> {
    return new Promise((resolve, reject) =>
      this.#client.getData(path, (error, data) =>
        error == null && data !== undefined ? resolve(data) : reject(error ?? new Error(`${path} is empty`)),
      ),
    )
  }
}
