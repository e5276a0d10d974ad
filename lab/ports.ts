import { mkdirSync, rmdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A loopback port that no other lab takes while the folder `claim` is there. */
export interface ReservedPort {
  port: number
  claim: string
}

// Below the range that the system gives to outgoing connections: a server that is down for a while finds its port free when it comes back.
const lowest = 20_000
const highest = 32_000

/** Takes a free port. Its claim is to be removed with the server's data: until then the port stays reserved, also while the server is down. */
export async function reservePort(): Promise<ReservedPort> {
  for (;;) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest))
    const claim = join(tmpdir(), `tidemark-port-${port}`)
    if (!claimed(claim)) continue
    if (await isFree(port)) return { port, claim }
    rmdirSync(claim)
  }
}

function claimed(claim: string): boolean {
  try {
    mkdirSync(claim)
    return true
  } catch {
    return false
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}
