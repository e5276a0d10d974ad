import { readFile, rename, writeFile } from 'node:fs/promises'
import * as v from 'valibot'
import { VERDICTS } from '../core/verdict.ts'
import { TidemarkError } from '../errors.ts'
import type { OpenAlert } from './changes.ts'

/** The version of the file. */
const VERSION = 1

const nullableText = v.nullable(v.string())
const schema = v.object({
  version: v.literal(VERSION),
  open: v.array(
    v.object({
      subject: v.string(),
      cluster: v.string(),
      store: nullableText,
      group: nullableText,
      topic: nullableText,
      partition: v.nullable(v.number()),
      verdict: v.picklist([...VERDICTS, 'low-margin']),
      since: v.number(),
    }),
  ),
})

/**
 * The alerts that were open when a watch ended; none where there is no file.
 * @throws TidemarkError WATCH_CONFIG for a file that can't be read: alerts that it holds would never be resolved
 */
export async function readState(file: string): Promise<readonly OpenAlert[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw unreadable(file, error.code ?? error.message)
  })
  if (text === undefined) return []
  const parsed = v.safeParse(schema, jsonIn(text))
  if (!parsed.success) throw unreadable(file, 'it holds something else')
  return parsed.output.open
}

/** Keeps the open alerts. The file is put in place whole, so that a watch that dies leaves the one before. */
export async function writeState(file: string, open: readonly OpenAlert[]): Promise<void> {
  const whole = `${file}.${process.pid}.tmp`
  await writeFile(whole, `${JSON.stringify({ version: VERSION, open })}\n`)
  await rename(whole, file)
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function unreadable(file: string, why: string): TidemarkError {
  return new TidemarkError('WATCH_CONFIG', `the state in ${file} can't be read: ${why}`, {
    hint: 'Remove the file, or name another one: what is wrong then is told anew',
  })
}
