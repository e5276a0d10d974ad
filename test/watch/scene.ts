import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { waitFor } from '../../lab/wait.ts'
import type { Running } from '../cli/command.ts'
import type { Servers } from '../cli/servers.ts'
import { readExposition, type ReadFamily } from './exposition.ts'

/** What is told of an alert, as receivers have it. */
export interface Told {
  readonly state: string
  readonly subject: string
  readonly verdict: string
  readonly previous: string | null
  readonly now: string | null
  readonly group: string | null
  readonly topic: string | null
  readonly partition: number | null
  readonly evidence: readonly string[]
}

/** A line of a watch's stdout. */
type Line = Told & {
  readonly event: string
  readonly verdicts: Readonly<Record<string, number>>
  readonly groups: number
  readonly seconds: number
}

/** A real `tidemark watch` under way. */
export class Watch implements AsyncDisposable {
  readonly running: Running

  private constructor(running: Running) {
    this.running = running
  }

  /** Starts one with this configuration, a short interval and a port of its own. */
  static start(servers: Servers, config: object, ...args: string[]): Watch {
    const file = configFile(servers, { listen: '127.0.0.1:0', interval: '200ms', ...config })
    return new Watch(servers.start('watch', file, '--timeout', '5s', ...args))
  }

  get stderr(): string {
    return this.running.written.stderr
  }

  get lines(): Line[] {
    const { stdout } = this.running.written
    return stdout
      .slice(0, stdout.lastIndexOf('\n') + 1)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line)
  }

  get rounds(): Line[] {
    return this.lines.filter(({ event }) => event === 'round')
  }

  get alerts(): Line[] {
    return this.lines.filter(({ event }) => event === 'alert')
  }

  /** Waits until so many more rounds are over. */
  async more(rounds: number): Promise<void> {
    const before = this.rounds.length
    await waitFor(`${rounds} rounds`, () => this.rounds.length >= before + rounds || this.#dead())
    assert.equal(this.#dead(), false, this.stderr)
  }

  /** Waits for an alert of which this holds. */
  alert(what: string, test: (line: Line) => boolean): Promise<Line> {
    return waitFor(`${what}; so far ${JSON.stringify(this.alerts)} ${this.stderr}`, () => this.alerts.find(test))
  }

  async url(path: string): Promise<string> {
    const found = await waitFor(`an address in ${this.stderr}`, () => /metrics are at (http:\S+)\/metrics/.exec(this.stderr)?.[1])
    return `${found}${path}`
  }

  async get(path: string, init: RequestInit = {}): Promise<{ status: number; type: string | null; body: string }> {
    const response = await fetch(await this.url(path), init)
    return { status: response.status, type: response.headers.get('content-type'), body: await response.text() }
  }

  /** What it tells a scraper, read strictly. */
  async metrics(): Promise<Map<string, ReadFamily>> {
    const { status, type, body } = await this.get('/metrics')
    assert.deepEqual([status, type], [200, 'text/plain; version=0.0.4; charset=utf-8'])
    return readExposition(body)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.running.process.kill('SIGTERM')
    await this.running.ended
  }

  #dead(): boolean {
    return this.running.process.exitCode !== null
  }
}

let configs = 0

/** Writes a configuration into the servers' directory; its name. */
export function configFile({ directory }: Servers, config: object): string {
  const file = `watch-${++configs}.json`
  writeFileSync(join(directory, file), JSON.stringify(config))
  return file
}

/** How a receiver answers: with a status, or `hang`: never. */
type Answer = number | 'hang'

/** A real receiver of webhooks. */
export class Receiver implements AsyncDisposable {
  readonly #server: Server
  /** Every request, in order. */
  readonly requests: { readonly headers: Readonly<Record<string, unknown>>; readonly told: readonly Told[] }[] = []
  /** How to answer from now on. */
  answer: Answer = 200

  private constructor(server: Server) {
    this.#server = server
  }

  static async start(): Promise<Receiver> {
    const server = createServer()
    const receiver = new Receiver(server)
    server.on('request', (request, response) => {
      let body = ''
      request.setEncoding('utf8').on('data', (text: string) => (body += text))
      request.on('end', () => {
        const { version, alerts } = JSON.parse(body) as { version: number; alerts: Told[] }
        assert.equal(version, 1)
        receiver.requests.push({ headers: request.headers, told: alerts })
        if (receiver.answer !== 'hang') response.writeHead(receiver.answer).end()
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return receiver
  }

  /** Without `http://`. */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get told(): Told[] {
    return this.requests.flatMap(({ told }) => told)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }
}
