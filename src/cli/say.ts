import type { Notice } from '../job/notice.ts'
import { printDateTime } from './datetimes.ts'
import { withoutSecrets } from './failure.ts'
import { plain } from './table.ts'

/** A line for people on stderr, with its time. */
export function say(text: string): void {
  process.stderr.write(`${printDateTime(Date.now())} ${withoutSecrets(plain(text))}\n`)
}

/** What people should know of a running job. */
export function sayNotice({ text }: Notice): void {
  say(text)
}
