import * as v from 'valibot'
import type { OffsetRange } from '../core/position.ts'
import { TidemarkError } from '../errors.ts'

/** How much of a line that is no report an error shows, characters. */
const SHOWN = 200

const wholeNumber = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const reportSchema = v.strictObject({
  topic: v.pipe(v.string(), v.nonEmpty()),
  partition: wholeNumber,
  fromOffset: wholeNumber,
  untilOffset: wholeNumber,
})

/** Reads the line with which a job says that a range is done. @throws TidemarkError RANGE_REFUSED for anything but a range */
export function parseReport(line: string): OffsetRange {
  const parsed = v.safeParse(reportSchema, parseJson(line))
  if (parsed.success) return parsed.output
  const shown = line.length > SHOWN ? `${line.slice(0, SHOWN)}…` : line
  throw new TidemarkError('RANGE_REFUSED', `the job reported ${JSON.stringify(shown)}, which is no range`, {
    hint: 'One line of TIDEMARK_DONE is {"topic":"orders","partition":0,"fromOffset":100,"untilOffset":200}',
  })
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
