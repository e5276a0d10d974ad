import { join } from 'node:path'
import { prepareMoto } from '../scripts/moto.mjs'
import { temporaryFolder } from './java.ts'
import { reservePort } from './ports.ts'
import { Server, startOrClose } from './server.ts'

/** An S3 on a loopback port, in memory: moto. */
export class MotoServer extends Server {
  /** What `AWS_ENDPOINT_URL` takes. */
  readonly endpoint: string

  constructor(port: number, claim: string, folder: string, packages: string) {
    const endpoint = `http://127.0.0.1:${port}`
    super({
      name: `moto on port ${port}`,
      command: 'env',
      // Small answers, so that a list of several needs no thousand objects.
      args: [`PYTHONPATH=${packages}`, 'MOTO_S3_DEFAULT_MAX_KEYS=25', 'python3', '-m', 'moto.server', '-H', '127.0.0.1', '-p', `${port}`],
      logFile: join(folder, 'server.log'),
      leftovers: [folder, claim],
      isUp: () => answers(endpoint),
    })
    this.endpoint = endpoint
  }
}

/** Starts moto; close it, or it ends with this process. */
export async function startMoto(): Promise<MotoServer> {
  const packages = await prepareMoto()
  const { port, claim } = await reservePort()
  const server = new MotoServer(port, claim, temporaryFolder('moto'), packages)
  return startOrClose(server)
}

async function answers(endpoint: string): Promise<boolean> {
  try {
    return (await fetch(`${endpoint}/moto-api/`)).ok
  } catch {
    return false
  }
}
