import { InvalidArgumentError } from 'commander'
import type { OnFailure } from '../job/give-up.ts'
import { DATETIME_FORMS, parseDateTime } from './datetimes.ts'
import { DURATION_FORMS, parseDuration } from '../durations.ts'

// Parsers of options' values. What they throw becomes commander's "option … argument … is invalid. …".

/** Timers of JavaScript can't wait longer. */
const LONGEST_WAIT_MS = 2 ** 31 - 1

/** A time to wait, in ms: more than nothing. */
export function toWait(text: string): number {
  const ms = toDuration(text)
  if (ms >= 1 && ms <= LONGEST_WAIT_MS) return ms
  throw new InvalidArgumentError('It must be more than 0 and at most 24d')
}

/** A span of time, in ms. */
export function toDuration(text: string): number {
  return parseDuration(text) ?? refuse(DURATION_FORMS)
}

/** A point in time, ms since 1970. */
export function toTime(text: string): number {
  return parseDateTime(text) ?? refuse(DATETIME_FORMS)
}

/** A point in time, or how long ago it was. */
export function toTimeOrAge(text: string): number {
  const age = parseDuration(text)
  return age === undefined ? toTime(text) : Date.now() - age
}

/** A whole number from 0 on. */
export function toCount(text: string): number {
  return wholeNumber(text, /^\d{1,16}$/) ?? refuse('It must be a whole number, 0 or more')
}

/** A whole number from 1 on. */
export function toSize(text: string): number {
  const size = wholeNumber(text, /^\d{1,16}$/)
  return size === undefined || size === 0 ? refuse('It must be a whole number, 1 or more') : size
}

/** A whole number, with or without a sign. */
export function toShift(text: string): number {
  return wholeNumber(text, /^[+-]?\d{1,16}$/) ?? refuse('It must be a whole number, such as 10 or -10')
}

const ENDINGS = ['stop', 'skip'] as const
const DEAD_LETTER = 'dead-letter:'

/** How what {@link toOnFailure} reads begins; a topic follows the last. */
export const ON_FAILURE = [...ENDINGS, DEAD_LETTER]

/** What becomes of records whose handler keeps failing. */
export function toOnFailure(text: string): OnFailure {
  const ending = ENDINGS.find((word) => word === text)
  if (ending !== undefined) return ending
  const deadLetter = text.startsWith(DEAD_LETTER) ? text.slice(DEAD_LETTER.length) : ''
  return deadLetter === '' ? refuse('Write stop, skip, or dead-letter:<topic>') : { deadLetter }
}

/** A repeatable option's values so far, and one more. */
export function collect(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text]
}

function wholeNumber(text: string, form: RegExp): number | undefined {
  const value = Number(text)
  return form.test(text) && Number.isSafeInteger(value) ? value : undefined
}

function refuse(why: string): never {
  throw new InvalidArgumentError(why)
}
