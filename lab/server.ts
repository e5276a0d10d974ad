import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { endWhenOrphaned } from './orphan.ts'
import type { Order, Report } from './supervisor.ts'
import { waitFor } from './wait.ts'

/** How a server is started and how one sees that it is up. */
export interface ServerOptions {
  name: string
  command: string
  args: string[]
  logFile: string
  /** Files and folders removed when the server is closed or its parent dies. */
  leftovers: string[]
  /** Asked again and again after a start; `log` is what the server has written since then. */
  isUp: (log: string) => Promise<boolean> | boolean
}

const supervisorFile = fileURLToPath(new URL('supervisor.ts', import.meta.url))
const startTimeoutMs = 60_000
const stopTimeoutMs = 15_000

/** A server under a supervisor: it dies with this process, and keeps its ports and data through `stop`, `kill` and `start` until `close`. */
export class Server implements AsyncDisposable {
  readonly name: string
  /** The process id while the server runs. */
  pid: number | undefined
  readonly #options: ServerOptions
  readonly #supervisor: ChildProcess
  #end = ''

  constructor(options: ServerOptions) {
    endWhenOrphaned()
    this.name = options.name
    this.#options = options
    // Detached, or a Ctrl-C in the terminal would end the supervisor before the orderly stop.
    const supervisor = spawn(process.execPath, [supervisorFile, ...options.leftovers], {
      detached: true,
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#supervisor = supervisor
    createInterface({ input: supervisor.stdout }).on('line', (line) => this.#hear(JSON.parse(line) as Report))
    supervisor.stdin.on('error', () => undefined)
    letGo(supervisor)
  }

  /** Starts the server and waits until it is up. Does nothing when it runs already. */
  async start(): Promise<void> {
    if (this.pid !== undefined) return
    const logStart = this.#log().length
    this.#end = ''
    const { command, args, logFile, isUp } = this.#options
    this.#order({ start: { command, args, logFile } })
    try {
      await waitFor(`${this.name} to start`, () => this.#end !== '' || isUp(this.#log().slice(logStart)), startTimeoutMs)
    } catch (error) {
      throw new Error(this.#explain(`${this.name} does not come up`, logStart), { cause: error })
    }
    if (this.#end !== '') throw new Error(this.#explain(`${this.name} ended while starting (${this.#end})`, logStart))
  }

  /** Stops the server in good order; its port and data stay. */
  async stop(): Promise<void> {
    this.#order({ signal: 'SIGCONT' })
    this.#order({ signal: 'SIGTERM' })
    try {
      await this.#ended(stopTimeoutMs)
    } catch {
      // A broker that can't reach its controller waits for it for minutes.
      await this.kill()
    }
  }

  /** Ends the server at once, as kill -9 does; its port and data stay. */
  async kill(): Promise<void> {
    this.#order({ signal: 'SIGKILL' })
    await this.#ended(stopTimeoutMs)
  }

  /** Stops the server and starts it again on the same port and data. */
  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  /** Freezes the server: its connections stay open and nothing answers. */
  pause(): void {
    this.#signalNow('SIGSTOP')
  }

  /** Lets a paused server go on. */
  resume(): void {
    this.#signalNow('SIGCONT')
  }

  /** Stops the server for good and removes its data. */
  async close(): Promise<void> {
    await this.kill()
    this.#supervisor.stdin?.end()
    await waitFor(`the supervisor of ${this.name} to end`, () => this.#supervisor.exitCode !== null || this.#supervisor.signalCode !== null)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  /** Not by way of the supervisor: what the test does next is to find the server frozen. */
  #signalNow(signal: NodeJS.Signals): void {
    if (this.pid !== undefined) process.kill(-this.pid, signal)
  }

  #order(order: Order): void {
    this.#supervisor.stdin?.write(`${JSON.stringify(order)}\n`)
  }

  #hear(report: Report): void {
    if ('started' in report) {
      this.pid = report.started
      return
    }
    this.pid = undefined
    this.#end = report.exited
  }

  async #ended(timeoutMs: number): Promise<void> {
    await waitFor(`${this.name} to end`, () => this.pid === undefined, timeoutMs, 5)
  }

  #log(): string {
    try {
      return readFileSync(this.#options.logFile, 'utf8')
    } catch {
      return ''
    }
  }

  #explain(message: string, logStart: number): string {
    const lastLines = this.#log().slice(logStart).trimEnd().split('\n').slice(-40).join('\n')
    return `${message}; its last lines:\n${lastLines}`
  }
}

/** A test that forgot to close a server can still end, and the supervisor then cleans up. */
function letGo(supervisor: ChildProcess): void {
  supervisor.unref()
  for (const pipe of [supervisor.stdin, supervisor.stdout]) (pipe as unknown as { unref?: () => void } | null)?.unref?.()
}

/** Starts it; what does not start is closed, so that nothing of it stays. */
export async function startOrClose<T extends { start(): Promise<void>; close(): Promise<void> }>(server: T): Promise<T> {
  try {
    await server.start()
  } catch (error) {
    await server.close()
    throw error
  }
  return server
}
