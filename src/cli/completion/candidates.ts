import type { Command } from 'commander'
import { optionsOf, placeOf, verbsOf } from './place.ts'
import type { Place } from './place.ts'
import { valuesOf, valuesOfArgument } from './values.ts'
import type { Candidate, Candidates } from './values.ts'

/** What the last line says, in the form of Cobra and @bomb.sh/tab: complete files; nothing but these words; folders. */
const DIRECTIVES = { files: ':0', words: ':4', folders: ':16' }

/** What may stand at the cursor, for a shell: a line for each word, with a tab before its description, and then what else to do. */
export function printCandidates(program: Command, words: readonly string[]): string {
  const place = placeOf(program, words)
  const candidates = place === undefined ? 'files' : candidatesAt(program, place)
  if (typeof candidates === 'string') return `${DIRECTIVES[candidates]}\n`
  const lines = candidates.map(({ value, description }) => (description === undefined ? value : `${value}\t${description}`))
  return [...lines, DIRECTIVES.words, ''].join('\n')
}

function candidatesAt(program: Command, { command, argumentsBefore, option, text, lead }: Place): Candidates {
  if (option !== undefined) {
    const values = valuesOf(option, text)
    return typeof values === 'string' ? values : values.map((one) => ({ ...one, value: `${lead}${one.value}` }))
  }
  if (text.startsWith('-')) return flags(command)
  if (command === program || command.name() === 'help') return argumentsBefore === 0 ? named(verbsOf(program)) : []
  const argument = command.registeredArguments[argumentsBefore]
  const values = argument === undefined || argument.variadic ? [] : valuesOfArgument(argument)
  // Where nothing can be said of an argument, or none is due, options may follow all the same.
  return values.length > 0 ? values : flags(command)
}

function named(verbs: readonly Command[]): Candidate[] {
  return verbs.map((verb) => ({ value: verb.name(), description: verb.description() }))
}

function flags(command: Command): Candidate[] {
  return optionsOf(command).flatMap(({ long, description }) => (long == null ? [] : [{ value: long, description }]))
}
