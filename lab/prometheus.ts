import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { preparePrometheus } from '../scripts/prometheus.mjs'
import { temporaryFolder } from './java.ts'
import { reservePort } from './ports.ts'
import { Server, startOrClose } from './server.ts'

/** A real Prometheus on a loopback port. */
export class PrometheusServer extends Server {
  readonly url: string

  constructor(port: number, claim: string, folder: string, program: string) {
    const url = `http://127.0.0.1:${port}`
    super({
      name: `Prometheus on port ${port}`,
      command: program,
      args: [
        `--config.file=${join(folder, 'prometheus.json')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      logFile: join(folder, 'server.log'),
      leftovers: [folder, claim],
      isUp: () => isReady(url),
    })
    this.url = url
  }

  /** What its HTTP API answers, as `data`. */
  async ask<T>(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<T> {
    const response = await fetch(`${this.url}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`)
    const answer = (await response.json()) as { status: string; error?: string; data: T }
    if (answer.status !== 'success') throw new Error(`${path} ${JSON.stringify(parameters)}: ${answer.error}`)
    return answer.data
  }
}

/** Starts Prometheus with this configuration; close it, or it ends with this process. */
export async function startPrometheus(config: object): Promise<PrometheusServer> {
  const { server } = await preparePrometheus()
  const { port, claim } = await reservePort()
  const folder = temporaryFolder('prometheus')
  // JSON is YAML.
  writeFileSync(join(folder, 'prometheus.json'), JSON.stringify(config))
  return startOrClose(new PrometheusServer(port, claim, folder, server))
}

/** What Prometheus' own promtool says; an error with all of that if it finds fault. */
export async function promtool(...args: string[]): Promise<string> {
  const { tool } = await preparePrometheus()
  const { stdout } = await promisify(execFile)(tool, args)
  return stdout
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/-/ready`)).ok
  } catch {
    return false
  }
}
