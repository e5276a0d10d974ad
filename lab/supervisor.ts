// Runs one server for a parent process and never lets it outlive that parent. Orders come as lines on stdin, which the operating system closes when the parent
// ends, however it ends (also by kill -9): then the server's process group is killed and what it left on disk is removed.
import { spawn, type ChildProcess } from 'node:child_process'
import { openSync, closeSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'

/** What the parent asks for, one JSON document a line. */
export type Order = { start: { command: string; args: string[]; logFile: string } } | { signal: NodeJS.Signals }

/** What the supervisor tells, one JSON document a line. */
export type Report = { started: number } | { exited: string }

const leftovers = process.argv.slice(2)
// A wrong word here once was `/`: nothing but the lab's own temporary files is ever removed.
const foreign = leftovers.find((path) => resolve(path) !== path || !path.startsWith(join(tmpdir(), 'tidemark-')))
if (foreign !== undefined) throw new Error(`a supervisor is not to remove ${foreign}`)
let server: ChildProcess | undefined

function report(line: Report): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

function start({ command, args, logFile }: { command: string; args: string[]; logFile: string }): void {
  const log = openSync(logFile, 'a')
  const child = spawn(command, args, { detached: true, stdio: ['ignore', log, log] })
  closeSync(log)
  server = child
  child.on('error', (error) => report({ exited: error.message }))
  child.on('spawn', () => report({ started: child.pid ?? 0 }))
  child.on('exit', (code, signal) => {
    server = undefined
    report({ exited: signal ?? `code ${code}` })
  })
}

function signalServer(signal: NodeJS.Signals): void {
  if (server?.pid === undefined) return
  try {
    process.kill(-server.pid, signal)
  } catch {
    // It ended a moment ago, which its exit event is about to say.
  }
}

function obey(order: Order): void {
  if ('start' in order) start(order.start)
  else signalServer(order.signal)
}

function cleanUp(): void {
  for (const path of leftovers) rmSync(path, { recursive: true, force: true, maxRetries: 5 })
  process.exit()
}

// A dead parent reads no reports: writing one must not end the supervisor before it has cleaned up.
process.stdout.on('error', () => undefined)
createInterface({ input: process.stdin })
  .on('line', (line) => obey(JSON.parse(line) as Order))
  .on('close', () => {
    if (server === undefined) return cleanUp()
    server.on('exit', cleanUp)
    signalServer('SIGKILL')
  })
