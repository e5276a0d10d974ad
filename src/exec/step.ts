import type { StepWork } from '../verbs/step.ts'
import { giveOffsets } from './offsets.ts'
import { Programs } from './program.ts'
import type { ProgramOptions } from './program.ts'

/** What a command is, and where its output goes. */
export interface StepCommandOptions extends Pick<ProgramOptions, 'stdout'> {
  /** The program and its arguments, without a shell. `{startingOffsets}` and `{endingOffsets}` in them are replaced. */
  readonly command: readonly string[]
}

/** The work of steps, done by a command. */
export interface StepCommand extends Disposable {
  readonly work: StepWork
  /** The last run's: 128 and more where a signal ended it; 0 before the first. */
  readonly exitCode: number
  /** Passes a signal on to the command and all that it started. */
  kill(signal: NodeJS.Signals): void
}

/** Runs a command for each step, and counts the step as done where it exits with 0. Where to begin and to end it finds as {@link giveOffsets} says. */
export function stepCommand({ command, stdout }: StepCommandOptions): StepCommand {
  const programs = new Programs()
  let exitCode = 0
  return {
    work: async (step) => {
      await using given = await giveOffsets(command, step)
      exitCode = await programs.run(given.words, { stdout, env: given.env })
      return exitCode === 0
    },
    get exitCode() {
      return exitCode
    },
    kill: (signal) => programs.kill(signal),
    [Symbol.dispose]: () => programs[Symbol.dispose](),
  }
}
