import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'

/** A process that ended well. */
export interface Finished {
  /** From its start to its exit, ms. */
  readonly ms: number
  readonly stdout: string
  readonly stderr: string
  /** The most memory that it held, MB; undefined where the system does not tell. */
  readonly peakMb: number | undefined
}

/** How often the memory of a process is looked at, ms. The system itself keeps its peak, so little is missed. */
const LOOK_EVERY_MS = 20

/** Runs a command to its end. @throws Error with what it wrote on stderr, where it does not exit with one of `codes`. */
export async function runProcess(command: string, args: readonly string[], codes: readonly number[] = [0]): Promise<Finished> {
  const start = performance.now()
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let peakMb: number | undefined
  const looking = setInterval(() => (peakMb = peakOf(child.pid) ?? peakMb), LOOK_EVERY_MS)
  const output = Promise.all([text(child.stdout), text(child.stderr)])
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null]
    const ms = performance.now() - start
    const [stdout, stderr] = await output
    if (code === null || !codes.includes(code)) throw new Error(`${command} ended with ${signal ?? `code ${code}`}: ${stderr.slice(-2000)}`)
    return { ms, stdout, stderr, peakMb }
  } finally {
    clearInterval(looking)
  }
}

/** The peak of a process's resident memory, as Linux keeps it, MB. */
function peakOf(pid: number | undefined): number | undefined {
  try {
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
    return peak === null ? undefined : Number(peak[1]) / 1024
  } catch {
    return undefined
  }
}
