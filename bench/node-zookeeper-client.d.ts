/** What the bare contender of `save` uses of the client besides what src/store/zookeeper declares. */
declare module 'node-zookeeper-client' {
  export interface Transaction {
    setData(path: string, data: Buffer, version: number): Transaction
    commit(done: (error: Failure | null) => void): void
  }

  export interface Client {
    transaction(): Transaction
  }
}
