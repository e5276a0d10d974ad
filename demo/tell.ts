import { styleText } from 'node:util'
import { clearProgressLine } from '../src/cli/progress.ts'
import { wrap, type Screen } from '../src/cli/table.ts'

type Style = Parameters<typeof styleText>[0]

const { stdout } = process
const coloured = stdout.isTTY && (process.env['NO_COLOR'] ?? '') === '' && stdout.hasColors()
const width = Math.min(stdout.isTTY ? stdout.columns : 100, 100)
const indent = '  '
/** After so long without a word the demo says what it waits for, ms. */
const longestSilence = 2_500

/** How wide indented lines may be. */
export const textWidth = width - indent.length
/** What the command line's own tables are laid out for: also in a pipe as on a terminal, since people read them. */
export const screen: Screen = { terminal: true, width: textWidth, colour: coloured }

let spokeAt = Date.now()
let awaited: { readonly what: string | undefined; readonly since: number } = { what: 'at work', since: spokeAt }

setInterval(() => {
  if (awaited.what !== undefined && Date.now() - spokeAt >= longestSilence)
    print(styled('dim', `${indent}… ${awaited.what}, ${Math.round((Date.now() - awaited.since) / 1000)} s`))
}, 250).unref()

function print(text: string): void {
  spokeAt = Date.now()
  if (awaited.what === undefined) clearProgressLine()
  stdout.write(`${text}\n`)
}

function styled(style: Style, text: string): string {
  return coloured ? styleText(style, text, { validateStream: false }) : text
}

/** The title of a part, with room above. */
export function heading(title: string): void {
  print(`\n${styled(['bold', 'cyan'], `── ${title} ${'─'.repeat(Math.max(0, width - title.length - 4))}`)}`)
}

/** A paragraph. */
export function say(text: string): void {
  print(`\n${wrap(text, width, '').join('\n')}`)
}

/** The command line that shows or does what follows. */
export function command(line: string): void {
  print(`\n${indent}${styled('bold', `$ tidemark ${line}`)}`)
}

/** Lines as they are, a little indented: what a command prints. */
export function output(text: string): void {
  print(
    text
      .trimEnd()
      .split('\n')
      .map((line) => `${indent}${line}`.trimEnd())
      .join('\n'),
  )
}

/** What a command remarks beside its table. */
export function remark(text: string): void {
  print(wrap(text, width, indent).join('\n'))
}

/** Something that happens while the reader looks on. */
export function event(who: string, text: string): void {
  print(styled('dim', wrap(`${who}: ${text}`, width, indent).join('\n')))
}

/** A last word, good or bad. */
export function verdict(good: boolean, text: string): void {
  print(`\n${styled(good ? ['bold', 'green'] : ['bold', 'red'], wrap(text, width, '').join('\n'))}`)
}

/** Waits for something; when that takes long it is said, so that nobody wonders. undefined: what is awaited says so itself. */
export async function during<T>(what: string | undefined, work: Promise<T>): Promise<T> {
  const before = awaited
  awaited = { what, since: Date.now() }
  try {
    return await work
  } finally {
    awaited = before
  }
}
