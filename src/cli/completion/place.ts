import type { Command, Option } from 'commander'

/** Where the cursor stands in a command line that is not finished. */
export interface Place {
  /** The verb, or the program itself where none is written yet. */
  readonly command: Command
  /** So many arguments of the verb come before. */
  readonly argumentsBefore: number
  /** The option whose value stands here. */
  readonly option?: Option | undefined
  /** What is written of the word; of the value, where `--output=` is in front of it. */
  readonly text: string
  readonly lead: string
}

/** Finds the place of the last word, as commander will read those before it. Undefined after a `--`: what follows is another command's. */
export function placeOf(program: Command, words: readonly string[]): Place | undefined {
  let command = program
  let open: Option | undefined
  let argumentsBefore = 0
  for (const word of words.slice(0, -1)) {
    const option = optionOf(command, word)
    if (open !== undefined) open = undefined
    else if (word === '--') return undefined
    else if (option !== undefined) open = option.required && !word.includes('=') ? option : undefined
    else if (command === program) command = verbsOf(program).find((verb) => verb.name() === word) ?? program
    else argumentsBefore++
  }
  const text = words.at(-1) ?? ''
  const lead = open === undefined ? (/^--[^=]+=/.exec(text)?.[0] ?? '') : ''
  return { command, argumentsBefore, option: lead === '' ? open : optionOf(command, text), text: text.slice(lead.length), lead }
}

/** The verbs, `help` among them. */
export function verbsOf(program: Command): Command[] {
  return program.createHelp().visibleCommands(program)
}

/** The options of a verb, `--help` among them. */
export function optionsOf(command: Command): Option[] {
  return command.createHelp().visibleOptions(command)
}

function optionOf(command: Command, word: string): Option | undefined {
  const [name] = word.split('=')
  return optionsOf(command).find(({ long, short }) => long === name || short === name)
}
