import { PropertiesFile } from 'java-properties'
import { TidemarkError } from '../errors.ts'

/**
 * The keys and values of a Java properties file's text; of a key given twice the last counts, as in Java. The package reads
 * one line, rewritten so that Java's meaning comes out: by itself it decodes `%41` and `${x}`, which Java leaves alone and
 * passwords may hold, and fails on escapes that Java allows.
 * @throws TidemarkError USAGE naming the line, and not what is in it
 */
export function readProperties(text: string, name: string): Map<string, string> {
  const properties = new Map<string, string>()
  for (const { line, number } of logicalLines(text)) {
    const single = new PropertiesFile()
    try {
      single.makeKeys(rewritten(line))
    } catch {
      throw new TidemarkError('USAGE', `line ${number} of ${name} can't be read: it has an escape that is none`)
    }
    for (const [key, value] of Object.entries(single.objs)) properties.set(key, String(value))
  }
  return properties
}

/** Lines that say something, joined where they end in a backslash that is not itself escaped. */
function logicalLines(text: string): { line: string; number: number }[] {
  const lines: { line: string; number: number }[] = []
  let continues = false
  for (const [index, natural] of text.split(/\r\n|\r|\n/).entries()) {
    const part = natural.trimStart()
    const last = lines.at(-1)
    const isContinuation = continues && last !== undefined
    if (!isContinuation && (part === '' || part.startsWith('#') || part.startsWith('!'))) continue
    continues = /(?<!\\)(?:\\\\)*\\$/.test(part)
    const content = continues ? part.slice(0, -1) : part
    if (isContinuation) last.line += content
    else lines.push({ line: content, number: index + 1 })
  }
  return lines
}

/** The package undoes JSON's escapes, then `%41`; of the others it knows two. */
function rewritten(line: string): string {
  return line
    .replaceAll('%', '%25')
    .replaceAll('\t', ' ')
    .replaceAll(/\\(.?)/gs, (escape, character: string) => {
      if (character === '\\') return '\\u005c'
      return 'tnrfu:='.includes(character) && character !== '' ? escape : character
    })
}
