import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from './java.ts'
import { reservePort } from './ports.ts'
import { Server } from './server.ts'
import { sparkEnvironment, sparkHome } from './spark.ts'
import type { SparkVersion } from './spark.ts'

/** Spark's own standalone cluster on loopback ports: a master and two workers of one core each, so that a driver and its executor run apart. */
export class SparkCluster implements AsyncDisposable {
  /** As `--master` takes it. */
  readonly url: string
  readonly #daemons: readonly Server[]

  constructor(url: string, daemons: readonly Server[]) {
    this.url = url
    this.#daemons = daemons
  }

  /** Ends all of it, with the drivers and executors that run. */
  async close(): Promise<void> {
    await Promise.all(this.#daemons.map((daemon) => daemon.close()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/** Starts a cluster; close it, or it ends with this process. */
export async function startSparkCluster(version: SparkVersion): Promise<SparkCluster> {
  const folder = temporaryFolder('spark')
  const port = await reservePort()
  const [url, work] = [`spark://127.0.0.1:${port.port}`, join(folder, 'work')]
  const environment = { ...(await sparkEnvironment(version)), SPARK_DAEMON_MEMORY: '512m' }
  const daemon = (name: 'Master' | 'Worker', logName: string, words: readonly string[], up: string, leftovers: string[]): Server => {
    const assignments = Object.entries(environment).map(([key, value]) => `${key}=${value}`)
    return new Server({
      name: `Spark's ${name.toLowerCase()}`,
      command: 'env',
      args: [...assignments, 'spark-class', `org.apache.spark.deploy.${name.toLowerCase()}.${name}`, '--host', '127.0.0.1', ...words],
      logFile: join(folder, logName),
      leftovers,
      isUp: (log) => log.includes(up),
    })
  }
  const master = daemon('Master', 'master.log', ['--port', String(port.port), '--webui-port', '0'], 'elected leader', [port.claim])
  const workers = [1, 2].map((number) => {
    const words = ['--webui-port', '0', '--cores', '1', '--memory', '2g', '--work-dir', `${work}-${number}`, url]
    return daemon('Worker', `worker-${number}.log`, words, 'registered with master', number === 1 ? [] : [folder])
  })
  const cluster = new SparkCluster(url, [...workers, master])
  try {
    await master.start()
    await Promise.all(workers.map((worker) => worker.start()))
  } catch (error) {
    await cluster.close()
    throw error
  }
  return cluster
}

/** Compiles a Java program for Spark into a jar, whose path it returns. */
export async function sparkJar(version: SparkVersion, source: string, folder: string): Promise<string> {
  const [classes, jar] = [join(folder, 'classes'), join(folder, 'program.jar')]
  mkdirSync(classes, { recursive: true })
  execFileSync('javac', ['-nowarn', '-cp', join(await sparkHome(version), 'jars', '*'), '-d', classes, source], { stdio: ['ignore', 2, 2] })
  execFileSync('jar', ['cf', jar, '-C', classes, '.'], { stdio: ['ignore', 2, 2] })
  return jar
}
