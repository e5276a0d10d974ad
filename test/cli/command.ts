import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** The command as the sources have it. */
export const bin = fileURLToPath(new URL('../../src/bin/tidemark.ts', import.meta.url))

/** How a command ended, and all that it wrote. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

interface CommandOptions {
  readonly cwd?: string | undefined
  readonly env?: Record<string, string> | undefined
  readonly nodeArgs?: readonly string[] | undefined
}

/** A real `tidemark` under way. */
export interface Running {
  readonly process: ChildProcess
  /** What it has written so far. */
  readonly written: { stdout: string; stderr: string }
  readonly ended: Promise<Ended>
}

/** Starts the real command, with nothing of this process's own settings in its environment. */
export function start(args: readonly string[], { cwd, env, nodeArgs = [] }: CommandOptions = {}): Running {
  const inherited = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(TIDEMARK_|NODE_|NO_COLOR|FORCE_COLOR)/.test(name)),
  )
  const child = spawn(process.execPath, [...nodeArgs, bin, ...args], {
    cwd,
    env: { ...inherited, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const written = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (written.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (written.stderr += text))
  const ended = once(child, 'close').then(([code, signal]: (number | NodeJS.Signals | null)[]) => ({ code, signal, ...written }) as Ended)
  return { process: child, written, ended }
}

/** Runs the real command to its end. */
export function tidemark(args: readonly string[], options: CommandOptions = {}): Promise<Ended> {
  return start(args, options).ended
}
