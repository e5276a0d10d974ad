import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { propertiesText, type Settings } from './kafka-format.ts'
import { javaArguments, smallServer, temporaryFolder } from './java.ts'
import { reservePort } from './ports.ts'
import { Server, startOrClose } from './server.ts'

/** `tickTime` is ZooKeeper's unit of time: sessions live between 2 and 20 of them. `properties` go into zoo.cfg as they are. */
export interface ZooKeeperOptions {
  tickTime?: number
  properties?: Settings
  javaSwitches?: string[]
}

/** A real ZooKeeper on a loopback port. */
export class ZooKeeperServer extends Server {
  readonly port: number
  readonly connectString: string
  readonly dataDir: string

  constructor(port: number, claim: string, dataDir: string, javaSwitches: string[]) {
    const main = ['org.apache.zookeeper.server.quorum.QuorumPeerMain', join(dataDir, 'zoo.cfg')]
    super({
      name: `ZooKeeper on port ${port}`,
      command: 'java',
      args: javaArguments('zookeeper', javaSwitches, main),
      logFile: join(dataDir, 'server.log'),
      leftovers: [dataDir, claim],
      isUp: () => isServing(port),
    })
    this.port = port
    this.connectString = `127.0.0.1:${port}`
    this.dataDir = dataDir
  }
}

/** Starts a ZooKeeper; close it, or it ends with this process. */
export async function startZooKeeper(options: ZooKeeperOptions = {}): Promise<ZooKeeperServer> {
  const { port, claim } = await reservePort()
  const dataDir = temporaryFolder('zookeeper')
  writeFileSync(join(dataDir, 'zoo.cfg'), configuration(port, dataDir, options))
  const server = new ZooKeeperServer(port, claim, dataDir, options.javaSwitches ?? smallServer('zookeeper', '-Xmx256m'))
  return startOrClose(server)
}

function configuration(port: number, dataDir: string, { tickTime = 500, properties = {} }: ZooKeeperOptions): string {
  const settings = {
    tickTime,
    dataDir: join(dataDir, 'data'),
    clientPort: port,
    clientPortAddress: '127.0.0.1',
    'admin.enableServer': false,
    maxClientCnxns: 0,
    ...properties,
  }
  return propertiesText(settings)
}

/** Asks with the four-letter word `srvr`: a port that accepts connections may still belong to a server that is not serving. */
function isServing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () => socket.write('srvr'))
    socket.setTimeout(1000, () => socket.destroy())
    socket.on('data', (chunk) => (answer += chunk.toString()))
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(answer.includes('Mode:')))
  })
}
