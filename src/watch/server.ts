import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { TidemarkError } from '../errors.ts'
import type { Address } from './config.ts'
import { CONTENT_TYPE } from './exposition.ts'

/** What is served. */
export interface Pages {
  /** The text of `/metrics`. */
  metrics(): string
  /** What `/healthz` says: whether rounds come to their ends, and the last one's time. */
  health(): Health
}

export interface Health {
  readonly ok: boolean
  /** ISO 8601; null: there was none yet. */
  readonly lastRound: string | null
  readonly rounds: number
}

export interface MetricsServer extends AsyncDisposable {
  readonly address: Address
}

/** A reader who does not read holds an answer in memory: there are no more of them than this. */
const MAX_CONNECTIONS = 32

/**
 * Serves `/metrics` and `/healthz` until it is disposed of.
 * @throws TidemarkError WATCH_CONFIG where it can't listen there
 */
export async function serve({ host, port }: Address, pages: Pages): Promise<MetricsServer> {
  const server = createServer((request, response) => answer(request, response, pages))
  server.maxConnections = MAX_CONNECTIONS
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(cannotListen({ host, port }, error)))
    server.listen(port, host === '' ? undefined : host, resolve)
  })
  const { address, port: bound } = server.address() as AddressInfo
  return {
    address: { host: address, port: bound },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function answer({ method, url = '/' }: IncomingMessage, response: ServerResponse, pages: Pages): void {
  const page = PAGES[url.replace(/\?.*$/s, '')]
  if (page === undefined) return end(response, 404, 'text/plain; charset=utf-8', 'There are /metrics and /healthz.\n')
  if (method !== 'GET' && method !== 'HEAD')
    return end(response, 405, 'text/plain; charset=utf-8', 'GET or HEAD.\n', { allow: 'GET, HEAD' })
  const { status, type, body } = page(pages)
  end(response, status, type, body)
}

interface Page {
  readonly status: number
  readonly type: string
  readonly body: string
}

const PAGES: Readonly<Record<string, ((pages: Pages) => Page) | undefined>> = {
  '/metrics': (pages) => ({ status: 200, type: CONTENT_TYPE, body: pages.metrics() }),
  '/healthz': (pages) => {
    const health = pages.health()
    return { status: health.ok ? 200 : 503, type: 'application/json', body: `${JSON.stringify(health)}\n` }
  },
}

function end(response: ServerResponse, status: number, type: string, body: string, more: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body), ...more })
  response.end(body)
}

function cannotListen({ host, port }: Address, cause: NodeJS.ErrnoException): TidemarkError {
  return new TidemarkError('WATCH_CONFIG', `metrics can't be served on ${host}:${port}: ${cause.code ?? cause.message}`, {
    hint: 'Name another address in "listen"',
    cause,
  })
}
