import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TidemarkError } from '../errors.ts'

/** Linux takes no longer word in a command's arguments or environment, bytes. */
const LONGEST_WORD = 128 * 1024 - 1

/** The offsets that a command is given, as JSON that Spark's Kafka source takes. */
export interface GivenOffsets {
  readonly startingOffsets: string
  readonly endingOffsets?: string | undefined
}

/** A command that has its offsets. Their files are there until it is disposed of. */
export interface Given extends AsyncDisposable {
  readonly words: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

/** The same offsets in the three places where a command may look for them. */
const PLACES = [
  { key: 'startingOffsets', variable: 'TIDEMARK_STARTING_OFFSETS', file: 'starting-offsets.json' },
  { key: 'endingOffsets', variable: 'TIDEMARK_ENDING_OFFSETS', file: 'ending-offsets.json' },
] as const

/**
 * Gives a command its offsets: in TIDEMARK_STARTING_OFFSETS and TIDEMARK_ENDING_OFFSETS (where they are not longer than a variable may be),
 * in files that TIDEMARK_STARTING_OFFSETS_FILE and TIDEMARK_ENDING_OFFSETS_FILE name, and for `{startingOffsets}` and `{endingOffsets}` in its arguments.
 * @throws TidemarkError HANDLER_INVALID where they are too long for an argument
 */
export async function giveOffsets(command: readonly string[], offsets: GivenOffsets): Promise<Given> {
  const given = PLACES.flatMap(({ key, variable, file }) => {
    const json = offsets[key]
    return json === undefined ? [] : [{ key, variable, file, json }]
  })
  const words = command.map((word) => given.reduce((filled, { key, json }) => filled.replaceAll(`{${key}}`, () => json), word))
  if (!words.every(isShortEnough)) {
    throw new TidemarkError('HANDLER_INVALID', 'the offsets of so many partitions are too long for an argument of the command', {
      hint: 'Read them from the files that TIDEMARK_STARTING_OFFSETS_FILE and TIDEMARK_ENDING_OFFSETS_FILE name',
    })
  }
  const folder = await mkdtemp(join(tmpdir(), 'tidemark-offsets-'))
  const env: Record<string, string> = {}
  for (const { variable, file, json } of given) {
    if (isShortEnough(`${variable}=${json}`)) env[variable] = json
    env[`${variable}_FILE`] = join(folder, file)
    await writeFile(join(folder, file), json)
  }
  return { words, env, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}

function isShortEnough(word: string): boolean {
  return Buffer.byteLength(word) < LONGEST_WORD
}
