import type { Argument, Option } from 'commander'
import { bareChoices, choicesFor, toPolicy } from '../../core/policy.ts'
import { VERDICTS } from '../../core/verdict.ts'
import { STORE_SCHEMES } from '../../store/backends.ts'

/** A word that may stand at the cursor. One that ends in = or : is gone on with. */
export interface Candidate {
  readonly value: string
  readonly description?: string | undefined
}

/** What may stand at the cursor: words, or whatever is on the disk. */
export type Candidates = readonly Candidate[] | 'files' | 'folders'

/** Where a value is a path, its name in the help says so: `--command-config <file>`. */
const PATHS: Readonly<Record<string, 'files' | 'folders'>> = { file: 'files', module: 'files', command: 'files', dir: 'folders' }

/** The values of options whose parsers take more than a choice of words, from what is written of them. */
const WORDS: Readonly<Record<string, (text: string) => readonly Candidate[]>> = {
  policy: policies,
  store: () => STORE_SCHEMES.map((scheme) => ({ value: `${scheme}:` })),
}

/** The values of an option of which `text` is written. */
export function valuesOf(option: Option, text: string): Candidates {
  const name = /<(\w+)>/.exec(option.flags)?.[1] ?? ''
  return WORDS[option.name()]?.(text) ?? wordsOrPaths(option.argChoices, name)
}

/** The values of a verb's argument. */
export function valuesOfArgument(argument: Argument): Candidates {
  return wordsOrPaths(argument.argChoices, argument.name())
}

function wordsOrPaths(choices: readonly string[] = [], name: string): Candidates {
  return PATHS[name] ?? choices.map((value) => ({ value }))
}

/** `expired=earliest,ahead=fail`: the last part may be a bare action, a verdict, or what is done about one. */
function policies(text: string): Candidate[] {
  const before = text.split(',').slice(0, -1)
  const last = text.split(',').at(-1) ?? ''
  const lead = before.map((part) => `${part},`).join('')
  const verdict = VERDICTS.find((name) => last.startsWith(`${name}=`))
  if (verdict !== undefined) return choicesFor(verdict).map((action) => ({ value: `${lead}${verdict}=${action}` }))
  const { actions } = toPolicy()
  const open = VERDICTS.filter((name) => choicesFor(name).length > 0 && !before.some((part) => part.startsWith(`${name}=`)))
  return [
    ...open.map((name) => ({ value: `${lead}${name}=`, description: `default: ${actions[name]}` })),
    ...(before.every((part) => part.includes('=')) ? bareChoices().map((action) => ({ value: `${lead}${action}` })) : []),
  ]
}
