import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { waitFor } from '../../lab/wait.ts'

interface Started {
  pids: number[]
  folders: string[]
}

const child = fileURLToPath(new URL('survivors-child.ts', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'tidemark-survivors-'))

/** Runs the child, which starts a broker and a ZooKeeper, in a process or in a test runner of its own; resolves once the servers are up. */
async function startServers(name: string, options: string[]): Promise<{ kill: (signal: NodeJS.Signals) => void; started: Started }> {
  const file = join(folder, name)
  // Without it the inner runner would believe that it is one of this one's files.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const parent = spawn(process.execPath, [...options, child], { env: { ...env, TIDEMARK_SURVIVORS: file }, stdio: 'ignore' })
  await waitFor('the servers to start', () => existsSync(file), 60_000)
  return { kill: (signal) => parent.kill(signal), started: JSON.parse(readFileSync(file, 'utf8')) as Started }
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
  after(() => rmSync(folder, { recursive: true, force: true }))

  const parents: [name: string, options: string[], signal: NodeJS.Signals][] = [
    ['a process killed with -9', [], 'SIGKILL'],
    ['a process that ends by SIGTERM', [], 'SIGTERM'],
    ['a test runner killed with -9', ['--test'], 'SIGKILL'],
  ]
  for (const [name, options, signal] of parents) {
    it(`leaves no server and no folder behind ${name}`, { timeout: 120_000 }, async () => {
      const { kill, started } = await startServers(name, options)
      assert.equal(started.pids.length, 2)
      assert.ok(started.pids.every(runs), 'the servers run before their parent is killed')
      assert.ok(started.folders.every(existsSync), 'their folders are there before their parent is killed')
      kill(signal)
      await waitFor('the servers to end', () => !started.pids.some(runs), 10_000)
      await waitFor('their folders to go', () => !started.folders.some(existsSync), 10_000)
    })
  }
})
