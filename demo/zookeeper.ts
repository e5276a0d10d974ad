import zooKeeperLibrary from 'node-zookeeper-client'

/** ZooKeeper with nothing of Tidemark's between: what somebody's hand, or an old job, does to the znodes. */
export interface BareZooKeeper {
  get(path: string): Promise<string>
  set(path: string, text: string): Promise<void>
}

/** The kind of request that writes several znodes at once, as the proxy tells requests apart. */
export const MULTI = 14

const ANY_VERSION = -1

/** Connects, lets `use` do its thing, and disconnects. */
export async function withZooKeeper<T>(servers: string, use: (zooKeeper: BareZooKeeper) => Promise<T>): Promise<T> {
  const client = zooKeeperLibrary.createClient(servers, { sessionTimeout: 10_000 })
  const connected = new Promise((resolve) => client.once('connected', resolve))
  client.connect()
  await connected
  try {
    return await use({
      get: (path) =>
        new Promise((resolve, reject) => {
          client.getData(path, (error, data) => (error ? reject(error) : resolve(String(data))))
        }),
      set: (path, text) =>
        new Promise((resolve, reject) => {
          client.setData(path, Buffer.from(text), ANY_VERSION, (error) => (error ? reject(error) : resolve()))
        }),
    })
  } finally {
    client.close()
  }
}
