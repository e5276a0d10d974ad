import type { Stored } from '../core/custody.ts'
import { parseOffset, type Position } from '../core/position.ts'

/** How much of an unreadable value is kept to be shown, in characters. */
const RAW_LENGTH = 100

/** What a store's text is as an offset: a position that knows nothing else, or `corrupt` with the text and the reason. */
export function storedText(text: string): Exclude<Stored, { state: 'absent' | 'unknown' }> {
  const offset = parseOffset(text)
  return offset === undefined ? corrupt(text, reasonFor(text)) : { state: 'position', position: { offset } }
}

/** A value that can't be read. */
export function corrupt(raw: string, reason: string): Extract<Stored, { state: 'corrupt' }> {
  return { state: 'corrupt', raw: raw.length > RAW_LENGTH ? `${raw.slice(0, RAW_LENGTH - 1)}…` : raw, reason }
}

/** The position without the fields that are undefined, so that what is absent stays absent wherever it is compared or printed. */
export function withoutAbsent(position: Position): Position {
  // Of a group's ten thousand most have all fields.
  for (const field in position) if (position[field as keyof Position] === undefined) return present(position)
  return position
}

function present(position: Position): Position {
  const found: Partial<Record<keyof Position, unknown>> = {}
  for (const field in position) {
    const value = position[field as keyof Position]
    if (value !== undefined) found[field as keyof Position] = value
  }
  return found as Position
}

function reasonFor(text: string): string {
  if (text.trim() === '') return 'it is empty'
  if (/^-\d+$/.test(text)) return 'it is negative'
  if (/^\d+$/.test(text)) return 'it is beyond 2^53 - 1'
  return 'it is no whole number'
}
