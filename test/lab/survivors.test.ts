import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { waitFor } from '../../lab/wait.ts'

interface Started {
  pids: number[]
  folders: string[]
}

const child = fileURLToPath(new URL('survivors-child.ts', import.meta.url))

/** Starts a process that starts servers, and resolves with what they are once they are up. */
async function startServersInChild(): Promise<{ kill: (signal: NodeJS.Signals) => void; started: Started }> {
  const runner = spawn(process.execPath, [child], { stdio: ['ignore', 'pipe', 'inherit'] })
  for await (const line of createInterface({ input: runner.stdout })) {
    return { kill: (signal) => runner.kill(signal), started: JSON.parse(line) as Started }
  }
  throw new Error('the child ended without saying what it started')
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('a server never outlives the command that started it', () => {
  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    it(`leaves no process and no folder when its parent gets ${signal}`, { timeout: 120_000 }, async () => {
      const { kill, started } = await startServersInChild()
      assert.equal(started.pids.length, 2)
      assert.ok(started.pids.every(runs), 'the servers run before their parent is killed')
      assert.ok(started.folders.every(existsSync), 'their folders are there before their parent is killed')
      kill(signal)
      await waitFor('the servers to end', () => !started.pids.some(runs), 10_000)
      await waitFor('their folders to go', () => !started.folders.some(existsSync), 10_000)
    })
  }
})
