import type { Command } from '../verbs/guard.ts'
import { giveOffsets } from './offsets.ts'
import { Programs } from './program.ts'
import type { ProgramOptions } from './program.ts'

/** What a command that is asked to end gets before it is killed, ms: as long as Spark's own hooks take at most. */
const END_MS = 30_000

/** What a command is, and where its output goes. */
export interface GuardCommandOptions extends Pick<ProgramOptions, 'stdout'> {
  /** The program and its arguments, without a shell. `{startingOffsets}` in them is replaced. */
  readonly command: readonly string[]
}

/** A command that is guarded. */
export interface GuardCommand extends Command, Disposable {
  /** Whether it runs now. */
  readonly isRunning: boolean
  /** Passes a signal on to the command and all that it started: from now on it is not started again. */
  kill(signal: NodeJS.Signals): void
}

/** Runs a command that finds its offsets as those of `step` do, and in TIDEMARK_DONE where to report what it has done. */
export function guardCommand({ command, stdout }: GuardCommandOptions): GuardCommand {
  const programs = new Programs()
  let isStopped = false
  let isRunning = false
  let killing: NodeJS.Timeout | undefined
  return {
    run: async ({ startingOffsets, done }) => {
      await using given = await giveOffsets(command, { startingOffsets })
      isRunning = true
      try {
        return await programs.run(given.words, { stdout, env: { ...given.env, ...(done === undefined ? {} : { TIDEMARK_DONE: done }) } })
      } finally {
        isRunning = false
        clearTimeout(killing)
      }
    },
    stop: () => {
      programs.kill('SIGTERM')
      killing = setTimeout(() => programs.kill('SIGKILL'), END_MS)
    },
    kill: (signal) => {
      isStopped = true
      programs.kill(signal)
    },
    get isStopped() {
      return isStopped
    },
    get isRunning() {
      return isRunning
    },
    [Symbol.dispose]: () => programs[Symbol.dispose](),
  }
}
