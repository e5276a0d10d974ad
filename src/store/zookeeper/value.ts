import type { Stored } from '../../core/custody.ts'
import { corrupt, storedText } from '../stored.ts'
import type { Znode } from './protocol.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The committed offset in a classic znode: the decimal digits and nothing else, which is all that the old consumer
 * writes. A line break or a space behind them is corrupt: the old consumer fails on it (Long.parseLong), so the number
 * is nobody's progress but somebody's typing. The value alone says when it changed last, not by whom or in which history.
 */
export function storedValue({ data, stat }: Znode): Exclude<Stored, { state: 'absent' | 'unknown' }> {
  const stored = storedNumber(data)
  return stored.state === 'position' ? { ...stored, position: { ...stored.position, commitTime: stat.mtime } } : stored
}

/** The offset that these bytes are, and nothing else about it. */
export function storedNumber(data: Buffer): Exclude<Stored, { state: 'absent' | 'unknown' }> {
  const text = textOf(data)
  if (text === undefined) return corrupt(visible(data.toString('latin1')), 'it is no UTF-8 text')
  const stored = storedText(text)
  if (stored.state === 'position') return stored
  const spaced = /^\s*\d+\s*$/.test(text) && text !== text.trim()
  return corrupt(
    visible(text),
    spaced ? 'there is white space around the number, which the old consumer can not read either' : stored.reason,
  )
}

/** The znode's data for a number. */
export function encodeValue(offset: number): Buffer {
  return Buffer.from(String(offset))
}

function textOf(data: Buffer): string | undefined {
  try {
    return utf8.decode(data)
  } catch {
    return undefined
  }
}

/** The text with its invisible characters written out, so that printing it does nothing to a terminal. */
export function visible(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, (character) => shortForms[character] ?? `\\u{${character.codePointAt(0)?.toString(16)}}`)
}

const shortForms: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }
