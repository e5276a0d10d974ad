import { readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { prepareHadoop } from '../scripts/hadoop.mjs'
import { quickStart, temporaryFolder } from './java.ts'
import { reservePort } from './ports.ts'
import { Server, startOrClose } from './server.ts'

const upLine = /HDFS is up on (\d+)/

/** A real namenode with a datanode. */
export class HdfsServer extends Server {
  /** The namenode's HTTP address, as WebHDFS takes it. */
  readonly address: string
  readonly #logFile: string

  constructor(port: number, claim: string, folder: string, jars: string) {
    const logFile = join(folder, 'server.log')
    super({
      name: `HDFS on port ${port}`,
      command: 'java',
      args: ['-Xmx256m', ...quickStart, '-cp', [jars, join(jars, '*')].join(delimiter), 'MiniHdfs', join(folder, 'data'), String(port)],
      logFile,
      leftovers: [folder, claim],
      isUp: (log) => upLine.test(log),
    })
    this.address = `127.0.0.1:${port}`
    this.#logFile = logFile
  }

  /** The namenode's own address, as Hadoop's clients take it, Spark's too. */
  get rpcAddress(): string {
    return `127.0.0.1:${upLine.exec(readFileSync(this.#logFile, 'utf8'))?.[1]}`
  }
}

/** Starts HDFS; close it, or it ends with this process. */
export async function startHdfs(): Promise<HdfsServer> {
  const jars = await prepareHadoop()
  const { port, claim } = await reservePort()
  const server = new HdfsServer(port, claim, temporaryFolder('hdfs'), jars)
  return startOrClose(server)
}
