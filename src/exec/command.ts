import { spawnSync } from 'node:child_process'
import { TidemarkError } from '../errors.ts'

/** A first word that the shell takes as it stands: a program, a path or a word of its own, and no assignment, quote or bracket. */
const PLAIN_WORD = /^\s*([\w./+-]+)(?=\s|$)/

/** Lets the shell look for a command, so that one that is not there is known before anything is read or taken. @throws TidemarkError HANDLER_INVALID */
export function findCommand(command: string): void {
  if (command.trim() === '') throw commandInvalid('is empty')
  const word = PLAIN_WORD.exec(command)?.[1]
  if (word === undefined) return
  const { status } = spawnSync('/bin/sh', ['-c', 'command -v -- "$1"', 'sh', word])
  if (status !== 0) throw commandInvalid(`${JSON.stringify(word)} is not to be found`)
}

/** HANDLER_INVALID for a command that can't be started. */
export function commandInvalid(why: string): TidemarkError {
  return new TidemarkError('HANDLER_INVALID', `the handler's command ${why}`, {
    hint: 'It is run by /bin/sh in the working directory: try it there',
  })
}
