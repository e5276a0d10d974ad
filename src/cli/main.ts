import { CommanderError } from 'commander'
import type { Command } from 'commander'
import { TidemarkError } from '../errors.ts'
import type { ErrorContext } from '../errors.ts'
import { exitCodeOf, printFailure } from './failure.ts'
import type { CommonOptions } from './options.ts'
import { endQuietlyWithoutReader, writeReport } from './output.ts'
import { createProgram } from './program.ts'
import type { Action } from './report.ts'
import { applyProfile } from './settings.ts'

/** The command line from its arguments to the end of the process. */
export async function main(args: readonly string[], version: string): Promise<void> {
  const verbose = args.includes('--verbose')
  endQuietlyWithoutReader()
  // What is thrown where nobody can catch it: by a timer of a handler's own, say.
  process.on('uncaughtException', (error) => fail(error, verbose))
  try {
    await createProgram(version, runAction).parseAsync(args, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return
    fail(error instanceof CommanderError ? usageError(error) : error, verbose)
  }
}

async function runAction(command: Command, load: () => Promise<Action>, args: readonly string[]): Promise<void> {
  applyProfile(command)
  const options = command.opts<CommonOptions>()
  const action = await load()
  try {
    const report = await action({ ...options, version: command.parent?.version() } as never, args)
    process.exitCode = report.exitCode
    await writeReport(command.name(), report, options)
  } catch (error) {
    throw error instanceof TidemarkError ? error.at(placeOf(options, command.name() === 'explain' ? args : [])) : error
  }
  // A client that still holds a connection open must not keep a command from ending.
  process.exit()
}

/** What the command line says of where an error happened: the group, and the topic if only one was asked for. */
function placeOf(
  { group, topic: [only, another] = [] }: CommonOptions & { readonly topic?: readonly string[] },
  [explainedGroup, explainedTopic]: readonly string[],
): ErrorContext {
  return { group: explainedGroup ?? group, topic: explainedTopic ?? (another === undefined ? only?.split(':')[0] : undefined) }
}

function usageError({ code, message }: CommanderError): TidemarkError {
  if (code === 'commander.help') return new TidemarkError('USAGE', 'no verb, or none that there is', { hint: 'See tidemark --help' })
  return new TidemarkError('USAGE', message.replace(/^error: /, '').replace(/\.$/, ''), {
    hint: 'See tidemark --help, or tidemark <verb> --help',
  })
}

function fail(error: unknown, verbose: boolean): void {
  process.exitCode = exitCodeOf(error)
  process.stderr.write(printFailure(error, verbose), () => process.exit())
}
